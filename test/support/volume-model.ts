// What Docker and its containers know of volumes: whose answers of the driver must fit.

export type Call =
  | { readonly kind: "List" }
  | { readonly kind: "Activate" }
  | { readonly kind: "Create"; readonly name: string; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: "Get" | "Path" | "Remove"; readonly name: string }
  | { readonly kind: "Mount" | "Unmount"; readonly name: string; readonly id: string };

/** What the driver answers, as far as it is looked at. */
export interface CallAnswer {
  readonly Err?: string;
  readonly Mountpoint?: string;
  readonly Volume?: { readonly Status?: { readonly references?: number } };
  readonly Volumes?: readonly { readonly Name: string }[];
}

export interface KnownVolume {
  readonly options: Readonly<Record<string, string>>;
  /** Who has it, and how often; `isOld` are those of daemons that are gone. */
  readonly users: Map<string, { readonly times: number; readonly isOld: boolean }>;
}

export type Known = Map<string, KnownVolume>;

export const bodyOf = (call: Call): unknown => {
  switch (call.kind) {
    case "List":
    case "Activate":
      return {};
    case "Create":
      return { Name: call.name, Opts: call.options };
    case "Mount":
    case "Unmount":
      return { Name: call.name, ID: call.id };
    default:
      return { Name: call.name };
  }
};

/** Enters what has come of a call; says what is wrong about its answer. `mayFail` where the machine is to blame for a failure. */
export function enter(known: Known, call: Call, answer: CallAnswer, directory: string, mayFail: boolean): string[] {
  const failure = answer.Err ?? "";
  if (call.kind === "Activate") {
    for (const { users } of known.values()) for (const [id, { times }] of users) users.set(id, { times, isOld: true });
    return failure === "" ? [] : [`Activate failed: ${failure}`];
  }
  if (call.kind === "List") {
    const listed = (answer.Volumes ?? []).map(({ Name }) => Name).toSorted();
    const names = [...known.keys()].toSorted();
    return listed.join() === names.join() ? [] : [`List gave ${listed.join()}, there are ${names.join()}`];
  }
  const { name } = call;
  const volume = known.get(name);
  const unexpected = mayFail || failure === "" ? [] : [`${call.kind} of ${name} failed: ${failure}`];
  const absent =
    failure === `no such volume: ${name}` ? [] : [`${call.kind} of ${name}, which is unknown: "${failure}"`];
  switch (call.kind) {
    case "Create":
      if (volume === undefined) {
        if (failure === "") known.set(name, { options: call.options, users: new Map() });
        return unexpected;
      }
      if (JSON.stringify(volume.options) === JSON.stringify(call.options))
        return failure === "" ? [] : [`Create of ${name} again failed: ${failure}`];
      return failure.startsWith(`there is a volume ${name} with other options`)
        ? []
        : [`Create of ${name} with other options: "${failure}"`];
    case "Get":
    case "Path":
      if (volume === undefined) return absent;
      return failure === "" ? [] : [`${call.kind} of ${name} failed: ${failure}`];
    case "Remove":
      if (failure === "") known.delete(name);
      return unexpected;
    case "Mount": {
      if (volume === undefined) return absent;
      if (failure !== "") return unexpected;
      const before = volume.users.get(call.id);
      const times = before === undefined || before.isOld ? 1 : before.times + 1;
      volume.users.set(call.id, { times, isOld: false });
      const isThere = answer.Mountpoint === `${directory}/${name}`;
      return isThere ? [] : [`Mount of ${name} gave ${answer.Mountpoint}`];
    }
    case "Unmount":
      if (failure !== "") return unexpected;
      if (volume !== undefined) giveBack(volume, call.id);
      return [];
  }
}

/** One mount less; a daemon that has not mounted it itself gives back all that its forerunner had. */
export function giveBack({ users }: KnownVolume, id: string): void {
  const before = users.get(id);
  if (before === undefined) return;
  if (before.isOld || before.times === 1) users.delete(id);
  else users.set(id, { times: before.times - 1, isOld: false });
}
