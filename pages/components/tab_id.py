"""Which tab of the browser this is: the same after a reload, another in another tab."""

import re

import streamlit as st

__all__ = ["reported", "tab_id"]

_JS = """
const NAME = "segviz-tab";

export default function ({ data, setStateValue, setTriggerValue }) {
  let tab = sessionStorage.getItem(NAME);
  if (!/^[0-9a-f]{32}$/.test(tab)) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    tab = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem(NAME, tab);
  }
  if (data !== tab) setStateValue("tab", tab);
  // After a restart of the server, Streamlit draws nothing until something is clicked, and that
  // click is lost.
  const app = document.querySelector("[data-testid=stApp]");
  if (!app) return;
  let lost = false;
  const observer = new MutationObserver(() => {
    const connected = app.dataset.testConnectionState === "CONNECTED";
    if (lost && connected) setTriggerValue("reconnected", true);
    lost = !connected;
  });
  observer.observe(app, { attributeFilter: ["data-test-connection-state"] });
  return () => observer.disconnect();
}
"""

_TAB = st.components.v2.component("segviz_tab", js=_JS)


def tab_id(known: str | None) -> str | None:
    """Return the tab's id, 32 hexadecimal digits, once the browser has reported it.

    Arguments:
        known: What the server takes it for.
    """
    tab = reported(known or "")
    return tab if isinstance(tab, str) and re.fullmatch("[0-9a-f]{32}", tab) else None


def reported(known: str) -> object:
    """Draw the component, which shows nothing; return what it reports."""
    with st.container(key="tab_id"):
        result = _TAB(
            key="tab",
            data=known,
            on_tab_change=lambda: None,
            on_reconnected_change=lambda: None,
        )
    return result.get("tab")
