// The table of `status` for people.
import { printable } from "../text/printable.ts";
import type { SharePhase } from "../watch/status.ts";
import type { ExportDocument, ShareDocument, StatusDocument, VolumeDocument } from "./document.ts";

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (share: ShareDocument) => string;
}

const columns: readonly Column[] = [
  { title: "SHARE", align: "left", cell: ({ source }) => source },
  { title: "MOUNT POINT", align: "left", cell: ({ target }) => target },
  { title: "VERSION", align: "left", cell: ({ version }) => version ?? "-" },
  { title: "STATE", align: "left", cell: ({ state, isLost }) => (isLost ? `${state}, lost` : state) },
  { title: "SINCE", align: "right", cell: ({ stateForMs }) => formatSpan(stateForMs) },
  { title: "USED", align: "right", cell: ({ space }) => (space === null ? "-" : formatUsed(space)) },
  { title: "FREE", align: "right", cell: ({ space }) => (space === null ? "-" : formatBytes(space.availableBytes)) },
  {
    title: "OPS/S",
    align: "right",
    cell: ({ traffic }) => (traffic === null ? "-" : formatNumber(traffic.operationsPerSecond)),
  },
  {
    title: "RTT",
    align: "right",
    cell: ({ traffic }) =>
      traffic === null || traffic.averageRttMs === null ? "-" : `${formatNumber(traffic.averageRttMs)} ms`,
  },
  {
    title: "RETRANS",
    align: "right",
    cell: ({ traffic }) => (traffic === null ? "-" : String(traffic.retransmissions)),
  },
];

export interface TableStyle {
  readonly hasColours: boolean;
}

const colours: Readonly<Record<SharePhase, string>> = {
  waiting: "33",
  mounted: "32",
  healthy: "32",
  "read-only": "33",
  unresponsive: "33",
  "server-gone": "33",
  stale: "31",
  missing: "31",
  replaced: "31",
};

/** The table with a line about the instance above it, and the reason under each share that has one. */
export function formatTable(document: StatusDocument, { hasColours }: TableStyle): string {
  const { version, role, upMs, restarts, shares } = document;
  const paint = (text: string, code: string) => (hasColours && text !== "" ? `\u001b[${code}m${text}\u001b[0m` : text);
  const again = restarts === 0 ? "" : `, process started again ${restarts === 1 ? "once" : `${restarts} times`}`;
  const head = `${printable(`nfs-init ${version} ${role}`)}, up ${formatSpan(upMs)}${again}\n`;
  if (document.exports !== undefined) return `${head}\n${exportLines(document.exports)}${clientLines(document.server)}`;
  if (document.volumes !== undefined) return `${head}\n${volumeLines(document.volumes)}`;
  if (shares.length === 0) return `${head}no shares\n`;

  const rows = [
    columns.map(({ title }) => title),
    ...shares.map((share) => columns.map(({ cell }) => printable(cell(share)))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[], colourOf: (title: string) => string | undefined) =>
    columns
      .map(({ title, align }, index) => {
        const text = cells[index] ?? "";
        const width = widths[index] ?? 0;
        const padded = align === "left" ? text.padEnd(width) : text.padStart(width);
        const colour = colourOf(title);
        return colour === undefined ? padded : paint(padded, colour);
      })
      .join("  ")
      .trimEnd();
  const [titles = [], ...bodies] = rows;
  const lines = shares.flatMap((share, index) => {
    const colour = share.isLost ? "31" : colours[share.state];
    const row = line(bodies[index] ?? [], (title) => (title === "STATE" ? colour : undefined));
    return share.reason === null ? [row] : [row, `  ${paint(printable(share.reason), "2")}`];
  });
  return `${head}\n${[line(titles, () => "1"), ...lines].map((one) => `${one}\n`).join("")}`;
}

function exportLines(exports: readonly ExportDocument[]): string {
  const rows = exports.map(({ path, state, stateForMs, space }) => [
    path,
    state,
    formatSpan(stateForMs),
    space === null ? "-" : formatBytes(space.availableBytes),
  ]);
  return plainTable(["EXPORT", "STATE", "SINCE", "FREE"], rows, exports);
}

/** Those of version 4 with what they hold, and what the server has done. */
function clientLines(server: StatusDocument["server"]): string {
  if (server === undefined || server === null) return "";
  const { clients, clientCount, operations, readBytes, writtenBytes } = server;
  const work = `${operations} operations, ${formatBytes(readBytes)} read, ${formatBytes(writtenBytes)} written\n`;
  if (clients.length === 0) return `\n${work}`;
  const rows = clients.map(({ address, name, version, knownForMs, opens, locks }) => [
    address,
    version,
    formatSpan(knownForMs),
    String(opens),
    String(locks),
    name,
  ]);
  const more = clientCount > clients.length ? `and ${clientCount - clients.length} more\n` : "";
  const titles = ["CLIENT", "VERSION", "SINCE", "OPEN", "LOCKS", "NAME"];
  return `\n${plainTable(titles, rows, [])}${more}\n${work}`;
}

function volumeLines(volumes: readonly VolumeDocument[]): string {
  if (volumes.length === 0) return "no volumes\n";
  const rows = volumes.map(({ name, source, state, references }) => [name, source, state, String(references)]);
  return plainTable(["VOLUME", "SHARE", "STATE", "CONTAINERS"], rows, volumes);
}

/** Rows of texts under their titles, each with its reason below it where there is one. */
function plainTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  described: readonly { readonly reason: string | null }[],
): string {
  const cells = [titles, ...rows.map((row) => row.map(printable))];
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const reasons = ["", ...described.map(({ reason }) => reason ?? "")].map(printable);
  const below = (reason = "") => (reason === "" ? "" : `  ${reason}\n`);
  return lines.map((line, index) => `${line}\n${below(reasons[index])}`).join("");
}

/** A span of time in at most two units: `45s`, `3m 12s`, `2h 5m`, `4d 3h`. */
export function formatSpan(ms: number): string {
  const total = Math.floor(ms / 1_000);
  const units = [
    [Math.floor(total / 86_400), "d"],
    [Math.floor(total / 3_600) % 24, "h"],
    [Math.floor(total / 60) % 60, "m"],
    [total % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  if (first === -1) return "0s";
  const shown = units.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

/** A size in powers of 1024 as df(1) -h counts, with a blank: `512 B`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 ? value : formatNumber(value)} ${units[unit]}`;
}

function formatUsed({ totalBytes, freeBytes, availableBytes }: NonNullable<ShareDocument["space"]>): string {
  const usedBytes = totalBytes - freeBytes;
  // As df(1) has it: of what users without privileges can have.
  const share = usedBytes + availableBytes === 0 ? 0 : (100 * usedBytes) / (usedBytes + availableBytes);
  return `${formatBytes(usedBytes)} (${Math.ceil(share)} %)`;
}

/** Three digits or so: `0.42`, `3.7`, `128`. */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}
