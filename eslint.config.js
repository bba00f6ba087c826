import js from "@eslint/js";
import globals from "globals";

const rules = {
  eqeqeq: "error",
  "no-var": "error",
  "prefer-const": "error",
  "max-len": ["error", { code: 130 }],
};

export default [
  { ignores: ["**/*", "!segviz/", "!segviz/viewer/", "!segviz/viewer/js/**", "!tests/", "!tests/viewer/", "!tests/viewer/js/**"] },
  js.configs.recommended,
  { files: ["segviz/viewer/js/*.js"], languageOptions: { globals: globals.browser }, rules },
  { files: ["tests/viewer/js/*.js"], languageOptions: { globals: globals.node }, rules },
];
