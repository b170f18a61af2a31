// Variables that look like ours and are not: what is meant by them.
import { numberedExport, numberedShare } from "./share-names.ts";
import { shown } from "../text/shown.ts";
import leven from "leven";
import { serverGroups, shareKeys, variableName, variableRows } from "./variables.ts";

/** Variables Kubernetes sets for a Service whose name begins with nfs: `NFS_SERVICE_HOST`, `NFS_1_PORT_2049_TCP_ADDR`. */
const kubernetesService =
  /^NFS(?:_[A-Z0-9_]+?)?_(?:SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** A Service's name has 63 characters at most, a port's 15. */
const longestServiceVariable = 120;

/** What other tools call it, in words: without NFS_ and without the number of a share. */
const elsewhere: Readonly<Record<string, string>> = {
  HOST: "SERVER SERVERS ADDRESS ADDR IP HOSTNAME SERVER_HOST SERVER_NAME SERVER_IP SERVER_ADDR SERVER_ADDRESS REMOTE_HOST",
  HOST_MOUNT:
    "PATH SHARE SHARE_PATH SHARE_NAME REMOTE_PATH REMOTE_DIR SERVER_PATH SERVER_DIR SERVER_SHARE EXPORT EXPORTS EXPORT_PATH EXPORT_DIR SOURCE SRC",
  MOUNT_POINT:
    "TARGET TARGET_PATH MOUNTPOINT MOUNT_PATH MOUNT_DIR MOUNT_TARGET LOCAL_PATH LOCAL_DIR LOCAL_MOUNT DEST DESTINATION DIR DIRECTORY",
  OPTIONS: "OPTS MOUNT_OPTIONS MOUNT_OPTS MOUNT_FLAGS FLAGS ARGS",
  VERSION: "VERS VER NFSVERS TYPE FSTYPE PROTOCOL PROTOCOL_VERSION MOUNT_VERSION",
  MOUNTS: "MOUNT SHARES VOLUMES MOUNT_LIST",
  MOUNT_SKIP: "SKIP SKIP_MOUNT NO_MOUNT DISABLE DISABLED TEST",
  WAIT_TIMEOUT: "TIMEOUT MOUNT_TIMEOUT CONNECT_TIMEOUT",
  RETRY_MAX: "RETRY_INTERVAL RETRY_DELAY",
  USER: "UID GID PUID PGID RUN_AS",
  PASSWORD_FILE: "PASSWORD PASS PASSWD PASSFILE SECRET SECRET_FILE PASSWORDFILE",
  LOG_LEVEL: "DEBUG VERBOSE VERBOSITY LOGLEVEL",
  STATE_DIR: "RUN_DIR STATEDIR",
};

/** So many are named; what sets more of them did not misspell one. */
const mostNamed = 50;

/** How many letters two names differ in, counted no further than `maxDistance`. */
export type Distance = (name: string, other: string, options: { readonly maxDistance: number }) => number;

/** A warning for each variable of that kind that is set, and for those that are too many to be named one. */
export function unknownVariableWarnings(
  environment: Readonly<Record<string, string | undefined>>,
  isServer = false,
  distance: Distance = leven,
): string[] {
  const rows = variableRows.filter(({ group }) => isServer || !serverGroups.has(group));
  const known = new Set(rows.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  const unknown = Object.keys(environment)
    .filter((name) => name.startsWith("NFS_") && environment[name] !== "")
    .filter((name) => !known.has(name) && !isNumbered(name, isServer) && !isOfKubernetes(name))
    .toSorted();
  const warnings = unknown
    .slice(0, mostNamed)
    .map((name) => `${shown(name)} is not a variable of nfs-init and is ignored${instead(name, known, distance)}`);
  const more = unknown.length - warnings.length;
  return more === 0
    ? warnings
    : [...warnings, `further variables NFS_... that nfs-init does not know and ignores: ${more}`];
}

function isNumbered(name: string, isServer: boolean): boolean {
  return numberedShare(name) !== undefined || (isServer && numberedExport(name) !== undefined);
}

function isOfKubernetes(name: string): boolean {
  return name.length <= longestServiceVariable && kubernetesService.test(name);
}

function isOfServer(name: string): boolean {
  const row = variableRows.find((one) => one.name === name);
  return numberedExport(name) !== undefined || (row !== undefined && serverGroups.has(row.group));
}

/** "; ..." with the variable that is meant, where there is one. */
function instead(name: string, known: ReadonlySet<string>, distance: Distance): string {
  const [, number, rest = ""] = /^NFS_(?:(\d{1,15})_)?(.*)$/s.exec(name) ?? [];
  const candidates =
    number === undefined
      ? [...known].filter((one) => one.startsWith("NFS_"))
      : shareKeys.map((key) => variableName(key, number));
  const meant = Object.keys(elsewhere).find((ours) => elsewhere[ours]?.split(" ").includes(rest));
  const asOurs = meant === undefined ? undefined : `NFS_${number === undefined ? "" : `${number}_`}${meant}`;
  if (asOurs !== undefined && candidates.includes(asOurs)) return `; nfs-init calls it ${asOurs}`;
  if (isOfServer(name)) return "; nfs-init serve alone reads it";
  if (name.length > longestServiceVariable) return "";
  const near = candidates
    .map((one) => ({ one, steps: distance(name, one, { maxDistance: farthest + 1 }) }))
    .toSorted((one, other) => one.steps - other.steps)[0];
  return near !== undefined && isNear(name, near.one, near.steps) ? `; the nearest one is ${near.one}` : "";
}

/** Steps between two names that may be the same one misspelt. */
const farthest = 3;

/** A step of three letters; of a short name two only where letters have changed places. */
function isNear(name: string, candidate: string, distance: number): boolean {
  const length = Math.min(name.length, candidate.length) - "NFS_".length;
  if (distance <= 1) return true;
  return (
    distance <= Math.min(farthest, Math.floor(length / 3)) ||
    (distance === 2 && lettersOf(name) === lettersOf(candidate))
  );
}

function lettersOf(name: string): string {
  return name.split("").toSorted().join("");
}
