// @ts-check
// The entry of the bundle: `mount` for pages of HTML, `openReport` for reports, the default export
// for Streamlit.

export { openReport } from "./report.js";
export { component as default } from "./streamlit.js";
export { mount } from "./viewer.js";
