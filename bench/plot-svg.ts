// Draws a plot as SVG: the same bytes of the same figures.

import * as vega from "vega";
import { compile } from "vega-lite";
import type { TopLevelSpec } from "vega-lite";

declare module "vega" {
  /** How wide a text is taken to be; Vega exports it, its types leave it out. */
  export const textMetrics: { width: (item: { readonly fontSize: number }, text: unknown) => number };
}

/** Width of a character beside its height, on average of a plain font. */
const characterWidth = 0.56;

// The room that a text takes is not left to the fonts of the machine that draws it.
vega.textMetrics.width = ({ fontSize }, text) => Math.round(String(text).length * fontSize * characterWidth);

/** The text of an SVG file; ends in a line feed. */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  try {
    return `${roundNumbers(await view.toSVG())}\n`;
  } finally {
    view.finalize();
  }
}

/** Hundredths of a pixel are enough, and the last digits of a logarithm differ between machines. */
function roundNumbers(svg: string): string {
  return svg.replaceAll(/<[^>]*>/g, (tag) =>
    tag.replaceAll(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => String(Math.round(Number(number) * 100) / 100)),
  );
}
