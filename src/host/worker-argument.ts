// What makes the binary a worker, apart from the worker itself: every start asks for it.

/** The argument that makes the binary a worker. */
export const workerArgument = "--nfs-init-worker";

/** A worker's first line: from then on a request takes as long as what it asks for. */
export const workerReady = "ready";
