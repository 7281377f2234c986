// Reads a file piece by piece, away from the page's own thread, and answers with its size and both digests.
// Nothing of the file leaves this worker but those 64 bytes.
import { Sha256, Sm3 } from "./digests.js";

self.onmessage = async ({ data: file }) => {
  try {
    const sha256 = new Sha256();
    const sm3 = new Sm3();
    const reader = file.stream().getReader();
    let done = 0;
    for (;;) {
      const piece = await reader.read();
      if (piece.done) break;
      sha256.update(piece.value);
      sm3.update(piece.value);
      done += piece.value.length;
      self.postMessage({ progress: done });
    }
    self.postMessage({ digests: { size: done, sha256: sha256.hex(), sm3: sm3.hex() } });
  } catch {
    self.postMessage({ failed: true }); // the file was moved or changed while it was read
  }
};
