// @ts-check
// Controls of single panels: the threshold of confidence, and what differences are taken from.

import { html, setText } from "./dom.js";
import { runColour } from "./model.js";

/** @import { Model } from "./model.js" */
/** @import { Viewer } from "./viewer.js" */

class ThresholdControl {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    const slider = html("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Threshold of confidence" });
    slider.oninput = () => {
      model.threshold = slider.valueAsNumber / 100;
      viewer.requestDraw();
    };
    slider.onchange = () => viewer.stateChanged();
    this.slider = slider;
    this.value = html("output", { class: "times" });
    const title = "Pixels whose predicted class is less probable are grey";
    const name = html("span", { class: "muted" }, "Confidence from");
    this.node = html("label", { class: "set", title }, name, slider, this.value);
  }

  update() {
    const { model, slider } = this;
    this.node.hidden = !model.draws("confident");
    const percent = Math.round(100 * model.threshold);
    if (slider.valueAsNumber !== percent) slider.value = String(percent);
    setText(this.value, `${percent} %`);
  }
}

class ReferenceControl {
  /**
   * @param {Model} model
   * @param {Viewer} viewer
   */
  constructor(model, viewer) {
    this.model = model;
    this.built = "";
    this.run = html("select", { "aria-label": "Run that differences are taken from" });
    const label = "Step that differences are taken from";
    this.step = html("input", { type: "number", min: 0, placeholder: "shown", "aria-label": label });
    this.run.onchange = () => {
      // Another run is compared at the step shown, unless a step was chosen; a run with itself at step 0.
      const run = this.run.value === "" ? null : Number(this.run.value);
      model.against = { run, step: run === null ? (model.against.step ?? 0) : null };
      viewer.stateChanged();
    };
    this.step.onchange = () => {
      const { value, valueAsNumber } = this.step;
      const step = value === "" ? null : Math.min(Math.max(Math.round(valueAsNumber), 0), model.last);
      model.against = { ...model.against, step };
      viewer.stateChanged();
    };
    const title = "The prediction that differences are taken from; no step: the step shown";
    this.node = html("div", { class: "set", role: "group", "aria-label": "Difference", title });
    const words = ["Difference from", "step"].map((text) => html("span", { class: "muted" }, text));
    this.node.append(words[0], this.run, words[1], this.step);
  }

  update() {
    const { model, run, step } = this;
    this.node.hidden = !model.draws("difference");
    const names = model.runs.map(({ info }) => info.name);
    const plan = names.join("\n");
    if (plan !== this.built) {
      this.built = plan;
      run.replaceChildren(
        html("option", { value: "" }, "the same run"),
        ...names.map((name, index) => html("option", { value: index, style: `color:${runColour(index)}` }, name)),
      );
    }
    run.hidden = !model.comparing;
    const value = String(model.against.run ?? "");
    if (run.value !== value) run.value = value;
    step.max = String(model.last);
    const text = String(model.against.step ?? "");
    if (step.value !== text && !step.matches(":focus")) step.value = text;
  }
}

export { ReferenceControl, ThresholdControl };
