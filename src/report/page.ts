// The page of status: shares, exports and volumes with their state, and the last changes, whole without scripts.
import {
  describeStatus,
  type ExportDocument,
  type ShareDocument,
  type StatusDocument,
  type TrafficDocument,
  type VolumeDocument,
} from "./document.ts";
import type { Change } from "./history.ts";
import { markup, type Markup } from "./markup.ts";
import type { Snapshot } from "./metrics.ts";
import { script, scriptHash, style, styleHash } from "./page-assets.ts";
import { toneOfExport, toneOfShare, toneOfVolume, type Tone } from "./tone.ts";
import { formatBytes, formatNumber, formatSpan } from "./table.ts";

export interface PageView {
  readonly snapshot: Snapshot;
  /** Traffic is since then; since the mount where there is none. */
  readonly before: Snapshot | undefined;
  /** The newest first. */
  readonly changes: readonly Change[];
}

/** Nothing but the page's own style and script, and connections back to where it came from. */
export const policy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash}'`,
  `script-src 'sha256-${scriptHash}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The whole page. */
export function formatPage(view: PageView): string {
  const { role, program } = view.snapshot.status;
  const icon =
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%233b6fd4'/%3E%3C/svg%3E";
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <title>${titleOf(documentOf(view))}</title>
        <link rel="icon" href="${icon}" />
        <style>${{ html: style }}</style>
        <noscript><meta http-equiv="refresh" content="10" /></noscript>
      </head>
      <body>
        <div class="top">
          <b>nfs-init ${role}</b> <span>${program}</span
          ><span id="live">as of ${clockTime(view.snapshot.wallMs)} UTC</span>
        </div>
        <main>${{ html: formatMain(view) }}</main>
        <footer>
          <a href="mounts">JSON</a><a href="metrics">Metrics</a><a href="healthz">Health</a
          ><a href="readyz">Readiness</a>
        </footer>
        <script>${{ html: script }}</script>
      </body>
    </html> `.html;
}

/** What of the page changes. */
export function formatMain(view: PageView): string {
  const document = documentOf(view);
  const { upMs, restarts, shares, exports = [], volumes = [] } = document;
  const { tone, text } = headline(document);
  const again = restarts === 0 ? "" : `, process started again ${restarts === 1 ? "once" : `${restarts} times`}`;
  return markup`<section data-title="${titleOf(document)}">
      <h1 class="${tone}">${text}</h1>
      <p class="about">up ${formatSpan(upMs)}${again}</p>
    </section>
    ${section("Shares", shares.map(shareCard))}${section("Exports", exports.map(exportCard))}${section("Volumes", volumes.map(volumeCard))}
    <section>
      <h2>Last changes</h2>
      ${changeList(view)}
    </section>`.html;
}

function documentOf({ snapshot, before }: PageView): StatusDocument {
  return describeStatus(snapshot.status, snapshot, before);
}

function titleOf(document: StatusDocument): string {
  return `${headline(document).text} · nfs-init ${document.role}`;
}

function headline({ shares, exports = [], volumes = [] }: StatusDocument): {
  readonly tone: Tone;
  readonly text: string;
} {
  const parts = [
    summary(
      "share",
      shares.map(({ state, isLost }) => toneOfShare(state, isLost)),
      { good: "ready", wait: "not ready", bad: "lost" },
    ),
    summary(
      "export",
      exports.map(({ state }) => toneOfExport(state)),
      { good: "served", wait: "starting", bad: "not served" },
    ),
    summary(
      "volume",
      volumes.map(({ state }) => toneOfVolume(state)),
      { good: "in order", wait: "waiting", bad: "lost" },
    ),
  ].filter((part) => part !== undefined);
  const worst = (["bad", "wait", "good"] as const).find((tone) => parts.some((part) => part.tone === tone));
  if (worst === undefined) return { tone: "idle", text: "Nothing is mounted here" };
  return { tone: worst, text: parts.map(({ text }) => text).join(", ") };
}

function summary(
  noun: string,
  tones: readonly Tone[],
  words: Readonly<Record<"good" | "wait" | "bad", string>>,
): { readonly tone: "good" | "wait" | "bad"; readonly text: string } | undefined {
  if (tones.length === 0) return undefined;
  const tone = (["bad", "wait"] as const).find((one) => tones.includes(one)) ?? "good";
  const things = `${noun}${tones.length === 1 ? "" : "s"}`;
  if (tone === "good") return { tone, text: `${tones.length} ${things} ${words.good}` };
  const count = tones.filter((one) => one === tone).length;
  const some = tones.length === 1 ? `1 ${things}` : `${count} of ${tones.length} ${things}`;
  return { tone, text: `${some} ${words[tone]}` };
}

function section(title: string, cards: readonly Markup[]): Markup | null {
  return cards.length === 0
    ? null
    : markup`<section>
        <h2>${title}</h2>
        <div class="grid">${cards}</div>
      </section>`;
}

function shareCard(share: ShareDocument): Markup {
  const { target, source, state, isLost, version, reason, stateForMs, answeredAgoMs, remounts, nofail, traffic } =
    share;
  const tone = toneOfShare(state, isLost);
  const notes = [
    ...(version === null ? [] : [`version ${version}`]),
    ...(nofail ? ["optional"] : []),
    ...(remounts === 0 ? [] : [`mounted afresh ${remounts === 1 ? "once" : `${remounts} times`}`]),
  ];
  const facts = [
    fact("Since", formatSpan(stateForMs)),
    ...(answeredAgoMs === null ? [] : [fact("Last answer", `${formatSpan(answeredAgoMs)} ago`)]),
    ...(traffic === null ? [] : trafficFacts(traffic)),
  ];
  return markup`<article class="card ${tone}">
    ${cardHead(target, isLost ? `${state}, lost` : state, tone)}
    <p><code>${source}</code>${notes.map((note) => markup`<code> · ${note}</code>`)}</p>
    ${reasonLine(reason, tone)}${spaceBar(share)}
    <dl>${facts}</dl>
  </article>`;
}

function exportCard(exported: ExportDocument): Markup {
  const { path, state, stateForMs, reason } = exported;
  const tone = toneOfExport(state);
  return markup`<article class="card ${tone}">
    ${cardHead(path, state.replace("-", " "), tone)}${reasonLine(reason, tone)}
    <dl>${fact("Since", formatSpan(stateForMs))}</dl>
  </article>`;
}

function volumeCard(volume: VolumeDocument): Markup {
  const { name, source, state, references, reason } = volume;
  const tone = toneOfVolume(state);
  return markup`<article class="card ${tone}">
    ${cardHead(name, state, tone)}
    <p><code>${source}</code></p>
    ${reasonLine(reason, tone)}
    <dl>${fact("Containers", String(references))}</dl>
  </article>`;
}

function cardHead(title: string, state: string, tone: Tone): Markup {
  return markup`<header>
    <h3>${title}</h3>
    <p class="pill ${tone}">${state}</p>
  </header>`;
}

function reasonLine(reason: string | null, tone: Tone): Markup | null {
  return reason === null ? null : markup`<p class="reason ${tone}">${reason}</p>`;
}

function fact(name: string, value: string): Markup {
  return markup`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function trafficFacts(traffic: TrafficDocument): readonly Markup[] {
  const { spanMs, operations, operationsPerSecond, averageRttMs, sentBytes, receivedBytes, retransmissions } = traffic;
  const seconds = Math.max(spanMs, 1) / 1_000;
  return [
    fact("Operations", `${formatNumber(operationsPerSecond)}/s`),
    fact("Round trip", averageRttMs === null ? "–" : `${formatNumber(averageRttMs)} ms`),
    fact("Sent", `${formatBytes(Math.round(sentBytes / seconds))}/s`),
    fact("Received", `${formatBytes(Math.round(receivedBytes / seconds))}/s`),
    markup`<div class="span">${operations} operations in ${formatSpan(spanMs)}, ${retransmissions} sent again</div>`,
  ];
}

/** As df(1) has it: of what users without privileges can have. */
function spaceBar({ space }: ShareDocument): Markup | null {
  if (space === null) return null;
  const usedBytes = space.totalBytes - space.freeBytes;
  const reachable = usedBytes + space.availableBytes;
  const percent = reachable === 0 ? 0 : Math.ceil((100 * usedBytes) / reachable);
  return markup`<div class="space">
    <svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label="${percent} % used">
      <rect${percent >= 95 ? markup` class="full"` : null} width="${percent}" height="1" /></svg
    >${formatBytes(usedBytes)} used (${percent} %)<span>${formatBytes(space.availableBytes)} free</span>
  </div>`;
}

function changeList({ changes, snapshot }: PageView): Markup {
  if (changes.length === 0) return markup`<p class="none">None since nfs-init came up.</p>`;
  return markup`<ol>
    ${changes.map((change) => changeLine(change, snapshot.wallMs))}
  </ol>`;
}

function changeLine({ wallMs, subject, from, to, tone, reason }: Change, nowMs: number): Markup {
  const at = new Date(wallMs).toISOString();
  const was = from === undefined ? null : markup`<i>${from} → </i>`;
  const why = reason === undefined ? null : markup`<i>: ${reason}</i>`;
  return markup`<li>
    <time datetime="${at}" title="${at}">${formatSpan(nowMs - wallMs)} ago</time><code>${subject}</code>
    <p>${was}<b class="${tone}">${to}</b>${why}</p>
  </li>`;
}

function clockTime(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(11, 19);
}
