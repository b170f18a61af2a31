// The demo's output: seconds since the start, who, and what happened.

import { styleText } from "node:util";
import type { Who } from "./scene.ts";

export interface Timeline {
  readonly title: (text: string) => void;
  readonly entry: (who: Who, text: string) => void;
  readonly success: (text: string) => void;
  readonly failure: (text: string) => void;
  readonly elapsedSeconds: () => string;
}

type Style = Parameters<typeof styleText>[0];

const whoStyles: Readonly<Record<Who, Style>> = {
  lab: "gray",
  server: "yellow",
  "client 1": "cyan",
  "client 2": "magenta",
};

const timeWidth = 6;
const whoWidth = Math.max(...Object.keys(whoStyles).map(({ length }) => length));

export function createTimeline(): Timeline {
  const elapsedSeconds = () => (performance.now() / 1000).toFixed(1);
  // Colours only on a terminal, and not with NO_COLOR: styleText looks at stdout.
  const print = (text: string) => process.stdout.write(`${text}\n`);
  return {
    title: (text) => print(`\n${styleText("bold", text)}`),
    entry: (who, text) => {
      const time = styleText("dim", elapsedSeconds().padStart(timeWidth));
      const lines = text.replaceAll("\n", `\n${" ".repeat(timeWidth + whoWidth + 4)}`);
      print(`${time}  ${styleText(whoStyles[who], who.padEnd(whoWidth))}  ${lines}`);
    },
    success: (text) => print(`\n${styleText(["bold", "green"], text)}`),
    failure: (text) => print(`\n${styleText(["bold", "red"], text)}`),
    elapsedSeconds,
  };
}
