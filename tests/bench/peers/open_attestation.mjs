// OpenAttestation's wrapping and verifying, asked by bench_peers.py: one JSON object a line in, one out.
// Time is taken here, so that no pipe is in it; documents begin and end as JSON text, as records do on our side.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import openAttestation from "@govtechsg/open-attestation";

const { wrapDocuments, verifySignature } = openAttestation;
let documents = [];
let wrapped = [];

const acts = {
  load: ({ path }) => {
    documents = readFileSync(path, "utf-8").split("\n").filter(Boolean);
  },
  wrap: ({ batch }) => {
    wrapped = [];
    for (let at = 0; at < documents.length; at += batch) {
      const made = wrapDocuments(documents.slice(at, at + batch).map((text) => JSON.parse(text)));
      for (const document of made) wrapped.push(JSON.stringify(document));
    }
  },
  verify: () => {
    for (const text of wrapped) {
      if (!verifySignature(JSON.parse(text))) throw new Error("a document that should pass doesn't");
    }
  },
  spoil: () => {
    const document = JSON.parse(wrapped[0]);
    document.data.name += "x";
    if (verifySignature(document)) throw new Error("a changed document passes");
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const start = process.hrtime.bigint();
  acts[asked.act](asked);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const mib = process.resourceUsage().maxRSS / 1024;
  const bytes = wrapped.length ? Buffer.byteLength(wrapped[0]) : 0;
  process.stdout.write(JSON.stringify({ seconds, mib, bytes }) + "\n");
}
