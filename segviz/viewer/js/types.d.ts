import type { Run } from "./decode.js";

/** Types of the viewer's message and of what its parts share; `segviz/viewer/payload.py` writes the message. */

export type Colour = [red: number, green: number, blue: number];

/** Where a chunk lies in the frames. */
export type Place = [offset: number, length: number];

/** The values of the codes 0 and 255. */
export interface CodeRange {
  low: number;
  high: number;
}

/** A map that a record holds. */
export type MapName = "entropy" | "sigma" | "sizes";

/** A map that is drawn in colours: those of the record, and what is computed from probabilities. */
export type ColourMapName = MapName | "probability";

/** A panel of `segviz/pictures/panels.py`. */
export interface PanelInfo {
  id: string;
  title: string;
  help: string;
  /** Which painter draws it. */
  draws:
    | "photo"
    | "overlay"
    | "labels"
    | "truth"
    | "map"
    | "outcomes"
    | "probability"
    | "confident"
    | "difference";
  /** The map it draws, if it draws one. */
  map: ColourMapName | null;
  /** Whether it changes from step to step. */
  changes: boolean;
  /** Whether all runs on one photo have the same. */
  shared: boolean;
  needsTruth: boolean;
}

export interface MapInfo {
  title: string;
  unit: string;
  decimals: number;
  /** 256 colours, red, green and blue in turn. */
  table: number[];
  /** The range of the colours over all steps and runs. */
  limits: [low: number, high: number];
}

export interface NumberInfo {
  key: string;
  title: string;
  unit: string;
  decimals: number;
  /** What it is, in which unit, and what a larger value means. */
  help: string;
}

export interface RunInfo {
  name: string;
  title: string;
  scale: number;
  /** Height and width of the feature maps. */
  grid: [height: number, width: number];
  /** The maps it has, in the order of a step's chunk: ranges, and of every step the largest value. */
  maps: Partial<Record<MapName, CodeRange & { tops: number[] }>>;
  /** Receptive field size at some sigmas, both in input pixels; linear in between and beyond. */
  receptiveField: { sigmas: number[]; sizes: number[] };
  numbers: Record<string, (number | null)[]>;
  photo: Place;
  truth: Place | null;
  rows: Place;
  columns: Place;
  steps: Place[];
  probabilities: CodeRange & { classes: number[]; steps: Place[] };
}

export interface Head {
  /** Tells messages apart; a message with the same id is not loaded again. */
  id?: string | number;
  width: number;
  height: number;
  /** Every so many steps, a step is coded by itself. */
  keyEvery: number;
  maxPins: number;
  /** Opacity of the overlay, 0 to 1, before the reader changes it. */
  opacity: number;
  /** Confidence, 0 to 1, below which pixels are grey, before the reader changes it. */
  threshold: number;
  /** The colour of pixels below the threshold. */
  belowThreshold: Colour;
  /** The colour of background in differences. */
  differentBackground: Colour;
  panels: PanelInfo[];
  defaultPanels: string[];
  classes: { id: number; name: string; colour: Colour }[];
  /** Names of all classes, by id. */
  names: string[];
  /** Colours of all classes, by id: red, green and blue in turn. */
  palette: number[];
  /** The same in colours that readers of all kinds of colour vision tell apart. */
  safePalette: number[];
  /** The id of the class that the overlay leaves clear, if there is one. */
  background: number | null;
  ignore: { id: number; colour: Colour };
  /** Colours of a pixel's outcome: still right, still wrong, wrong to right, right to wrong, ignored. */
  outcomes: { name: string; colour: Colour }[];
  /** Of the maps that any run has. */
  maps: Partial<Record<ColourMapName, MapInfo>> & { entropy: MapInfo; probability: MapInfo };
  numbers: NumberInfo[];
  runs: RunInfo[];
}

/** The part of the viewer's state that an address can hold. */
export interface ViewState {
  /** null: the last step. */
  step: number | null;
  pins: [x: number, y: number][];
  /** Empty: the default panels. */
  panels: string[];
  /** The panel that is shown alone. */
  solo: string | null;
  /** Opacity of the overlay in %; null: the default. */
  overlay: number | null;
  /** Magnification, and the left and upper edge of what is visible as parts of the photo. */
  zoom: [k: number, u: number, v: number] | null;
  /** The class that is shown alone. */
  isolated: number | null;
  /** Confidence below which pixels are grey, in %; null: the default. */
  threshold: number | null;
  /** What the panel difference compares with; null: step 0 of the same run. */
  against: [run: number | null, step: number | null] | null;
  wipe: [at: number, left: Side, right: Side] | null;
  /** The classes in truth and prediction whose pixels are lit. */
  cell: [truth: number, predicted: number] | null;
}

/** A picture of the wipe; the step is null where it is the one shown. */
export type Side = [panel: string, run: number, step: number | null];

/** A prediction to compare with: null = the same run, and the step shown. */
export interface Reference {
  run: number | null;
  step: number | null;
}

export interface Options {
  /** Where the viewer opens. */
  view?: Partial<ViewState>;
  /** Whether the runs still grow. */
  growing?: boolean;
  /** Whether the tour is offered on the first visit. */
  tour?: boolean;
  /** Called with the state once it rests after a change. */
  report?: (view: ViewState) => void;
}

export interface Pixel {
  x: number;
  y: number;
}

export interface Pin extends Pixel {
  slot: number;
  colour: string;
}

/** Magnification, and the left and upper edge of what is visible as parts of the photo. */
export interface Zoom {
  k: number;
  u: number;
  v: number;
}

/** How panels are drawn. */
export interface Display {
  opacity: number;
  /** The one class that is drawn, if only one is. */
  isolated: number | null;
  outline: boolean;
  limits: Partial<Record<ColourMapName, [low: number, high: number]>>;
  /** Confidence below which pixels are grey, 0 to 1. */
  threshold: number;
  /** Return the labels that those of a run at a step are compared with, and what names them. */
  reference: (run: Run, step: number) => { key: string; labels: Uint8Array | undefined };
}

/** Where the photo's pixels lie between feature pixels, along one axis. */
export interface Axis {
  low: Int32Array;
  high: Int32Array;
  weight: Float32Array;
}

/** What the record knows of a pixel at a step. */
export interface Reading {
  label: number;
  entropy: number;
  sigma: number | null;
  /** Receptive field size in input pixels. */
  size: number | null;
  /** The size of the photo that the prediction is read from, in times its own. */
  scale: number | null;
  selected: boolean;
  truth: number | null;
  /** The predicted class first, then by falling probability; null until decoded. */
  ranking: { id: number; probability: number }[] | null;
}
