// Exports as they are written in variables.
import { parseClient, type Client } from "../../../src/export/clients.ts";
import { exportTable, type Export, type ExportTable } from "../../../src/export/exports.ts";
import { parseOptions } from "../../../src/export/options.ts";

function clientOf(word: string): Client {
  const client = parseClient(word);
  if (client === undefined) throw new Error(`${word} is no client`);
  return client;
}

function optionsOf(text: string) {
  const parsed = parseOptions(text);
  if (parsed.kind === "problem") throw new Error(parsed.reason);
  return parsed.options;
}

/** With rules such as `10.0.0.0/8(ro)`. */
export function exportOn(path: string, ...rules: readonly string[]): Export {
  return {
    path,
    origin: `NFS_EXPORT of ${path}`,
    rules: rules.map((rule) => {
      const [, client = "", options = ""] = /^([^(]*)\(([^)]*)\)$/.exec(rule) ?? [];
      return { clients: [clientOf(client)], options: optionsOf(options) };
    }),
  };
}

export function tableOf(...exports: readonly Export[]): ExportTable {
  const table = exportTable(exports);
  if ("problems" in table) throw new Error(table.problems.join("; "));
  return table;
}
