// The page of status: shares, exports and volumes with their state, and the last changes, whole without scripts.
import {
  describeStatus,
  type ClientDocument,
  type ExportDocument,
  type ServerDocument,
  type ShareDocument,
  type StatusDocument,
  type TrafficDocument,
  type VolumeDocument,
} from "./document.ts";
import type { Change } from "./history.ts";
import type { Space } from "../mount/ports.ts";
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
  const { upMs, restarts, exports = [], volumes = [], server = null } = document;
  const { tone, text } = headline(document);
  const again = restarts === 0 ? "" : `, process started again ${restarts === 1 ? "once" : `${restarts} times`}`;
  return markup`<section data-title="${titleOf(document)}">
      <h1 class="${tone}">${text}</h1>
      <p class="about">up ${formatSpan(upMs)}${again}</p>
    </section>
    ${section("Shares", ownShares(document).map(shareCard))}${section("Exports", exports.map(exportCard))}
    ${server === null ? null : serverSections(server)}
    ${section(
      "Volumes",
      volumes.map((volume) => volumeCard(volume, shareOf(document, volume))),
    )}
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

/** The share that a volume is at this moment; undefined where it is not mounted and nobody tries to. */
function shareOf({ shares }: StatusDocument, { target }: VolumeDocument): ShareDocument | undefined {
  return shares.find((share) => share.target === target);
}

/** Those that are no volumes. */
function ownShares({ shares, volumes = [] }: StatusDocument): readonly ShareDocument[] {
  const targets = new Set(volumes.map(({ target }) => target));
  return shares.filter(({ target }) => !targets.has(target));
}

function headline(document: StatusDocument): { readonly tone: Tone; readonly text: string } {
  const { exports = [], volumes = [] } = document;
  const parts = [
    summary(
      "share",
      ownShares(document).map(({ state, isLost }) => toneOfShare(state, isLost)),
      { good: "ready", wait: "not ready", bad: "lost" },
    ),
    summary(
      "export",
      exports.map(({ state }) => toneOfExport(state)),
      { good: "served", wait: "starting", bad: "not served" },
    ),
    summary(
      "volume",
      volumes.map((volume) => stateOfVolume(volume, shareOf(document, volume)).tone),
      { good: "in order", wait: "not ready", bad: "lost" },
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
  const { target, source, state, isLost, version, reason, remounts, nofail, space } = share;
  const tone = toneOfShare(state, isLost);
  const notes = [
    ...(version === null ? [] : [`version ${version}`]),
    ...(nofail ? ["optional"] : []),
    ...(remounts === 0 ? [] : [`mounted afresh ${remounts === 1 ? "once" : `${remounts} times`}`]),
  ];
  return markup`<article class="card ${tone}">
    ${cardHead(target, isLost ? `${state}, lost` : state, tone)}
    <p><code>${source}</code>${notes.map((note) => markup`<code> · ${note}</code>`)}</p>
    ${reasonLine(reason, tone)}${spaceBar(space)}
    <dl>${shareFacts(share)}</dl>
  </article>`;
}

function shareFacts({ stateForMs, answeredAgoMs, traffic }: ShareDocument): readonly Markup[] {
  return [
    fact("Since", formatSpan(stateForMs)),
    ...(answeredAgoMs === null ? [] : [fact("Last answer", `${formatSpan(answeredAgoMs)} ago`)]),
    ...(traffic === null ? [] : trafficFacts(traffic)),
  ];
}

function exportCard(exported: ExportDocument): Markup {
  const { path, state, stateForMs, reason, space } = exported;
  const tone = toneOfExport(state);
  return markup`<article class="card ${tone}">
    ${cardHead(path, state.replace("-", " "), tone)}${reasonLine(reason, tone)}${spaceBar(space)}
    <dl>${fact("Since", formatSpan(stateForMs))}</dl>
  </article>`;
}

/** What the server does, and whom it knows. */
function serverSections({ operations, readBytes, writtenBytes, recent, clients, clientCount }: ServerDocument): Markup {
  const perSecond = (count: number) => (count * 1_000) / (recent?.spanMs ?? 1);
  const rate = (bytes: number) => `${formatBytes(Math.round(perSecond(bytes)))}/s`;
  const facts = [
    fact("Clients", String(clientCount)),
    ...(recent === null
      ? []
      : [
          fact("Operations", `${formatNumber(perSecond(recent.operations))}/s`),
          fact("Read", rate(recent.readBytes)),
          fact("Written", rate(recent.writtenBytes)),
        ]),
  ];
  const shown = clients.slice(0, mostClientsShown);
  const more = clientCount - shown.length;
  return markup`<section>
    <h2>Clients</h2>
    <div class="card">
      <dl class="wide">
        ${facts}
        <div class="span">
          ${operations} operations, ${formatBytes(readBytes)} read, ${formatBytes(writtenBytes)} written in all
        </div>
      </dl>
    </div>
    ${shown.length === 0 ? null : markup`<ol>${shown.map(clientLine)}</ol>`}
    ${more === 0 ? null : markup`<p class="none">and ${more} more</p>`}
  </section>`;
}

/** More are told of in /mounts. */
const mostClientsShown = 50;

function clientLine({ address, name, version, knownForMs, opens, locks, files }: ClientDocument): Markup {
  const held = [...(opens === 0 ? [] : [`${opens} open`]), ...(locks === 0 ? [] : [`${locks} locked`])];
  const what = held.length === 0 ? "nothing open" : held.join(", ");
  const names = files.length === 0 ? "" : `: ${files.join(", ")}${opens > files.length ? ", …" : ""}`;
  return markup`<li>
    <time>${formatSpan(knownForMs)}</time><code>${address}</code>
    <p><b>${what}</b><i>${names}</i><br /><i>${name} · version ${version}</i></p>
  </li>`;
}

function volumeCard(volume: VolumeDocument, share: ShareDocument | undefined): Markup {
  const { name, source, references } = volume;
  const { state, tone } = stateOfVolume(volume, share);
  return markup`<article class="card ${tone}">
    ${cardHead(name, state, tone)}
    <p><code>${source}</code></p>
    ${reasonLine(volume.reason ?? share?.reason ?? null, tone)}${share === undefined ? null : spaceBar(share.space)}
    <dl>${fact("Containers", String(references))}${share === undefined ? null : shareFacts(share)}</dl>
  </article>`;
}

/** What its mount does says more than that there is one. */
function stateOfVolume(
  { state }: VolumeDocument,
  share: ShareDocument | undefined,
): { readonly state: string; readonly tone: Tone } {
  if (state !== "mounted" || share === undefined) return { state, tone: toneOfVolume(state) };
  return { state: share.state, tone: toneOfShare(share.state, share.isLost) };
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
function spaceBar(space: Space | null): Markup | null {
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
