// Debian's packages without installing anything: apt fetches and checks them, and all that it writes goes to a folder of ours.
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

type Options = Readonly<Record<string, string>>;

/** One kind of package to get, as apt names them. */
export interface Wanted {
  readonly names: readonly string[];
  /** Another architecture than this machine's. */
  readonly architecture?: string;
  /** Whether all that they depend on is wanted too, whatever this machine has installed. */
  readonly withDependencies?: boolean;
}

/** So that apt, which may be run by an ordinary user, neither reads nor writes the machine's state, and waits for nobody for ever. */
export const ownOptions: Options = {
  "Dir::State::status": "/dev/null",
  "Debug::NoLocking": "true",
  "APT::Sandbox::User": "root",
  "APT::Install-Recommends": "false",
  "Acquire::Retries": "3",
  "Acquire::http::Timeout": "30",
  "Acquire::https::Timeout": "30",
};

export function optionWords(options: Options): readonly string[] {
  return Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/**
 * Downloads packages of the machine's own release into `folder` and returns their files; apt checks their signatures.
 * Where the machine's lists are old or not there, or of another architecture, lists of our own are fetched first.
 */
export async function downloadPackages(folder: string, wanted: Wanted): Promise<readonly string[]> {
  const archives = join(folder, "archives");
  const lists = join(folder, `lists-${wanted.architecture ?? "own"}`);
  await mkdir(join(archives, "partial"), { recursive: true });
  await mkdir(join(lists, "partial"), { recursive: true });
  const own = { ...ownOptions, "Dir::Cache": folder, "Dir::Cache::archives": archives };
  const fresh = {
    ...own,
    "Dir::State::lists": lists,
    ...(wanted.architecture !== undefined && {
      "APT::Architecture": wanted.architecture,
      "APT::Architectures": wanted.architecture,
    }),
  };
  const aptGet = (options: Options, ...args: string[]) =>
    execa("apt-get", ["-qq", "--yes", ...optionWords(options), ...args], { cwd: archives });
  const how = wanted.withDependencies === true ? ["--download-only", "install"] : ["download"];
  const isHad = wanted.architecture === undefined && (await succeeds(aptGet(own, ...how, ...wanted.names)));
  if (!isHad) {
    await aptGet(fresh, "update");
    await aptGet(fresh, ...how, ...wanted.names);
  }
  return (await readdir(archives)).filter((name) => name.endsWith(".deb")).map((name) => join(archives, name));
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}
