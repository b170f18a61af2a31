// A small API on a share: GET / lists its files, PUT /name writes one.
const { createServer } = require("node:http");
const { readdir, writeFile } = require("node:fs/promises");
const { join } = require("node:path");

createServer((request, response) => {
  const name = request.url?.match(/^\/([\w-]+)$/)?.[1];
  const done =
    request.method === "PUT" && name !== undefined
      ? writeFile(join("/data", name), request).then(() => ({ written: name }))
      : readdir("/data");
  done.then(
    (answer) => response.end(`${JSON.stringify(answer)}\n`),
    (error) => response.writeHead(503).end(`${error.message}\n`),
  );
}).listen(8081);
