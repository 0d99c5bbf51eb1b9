/**
 * Files that the reader drops or chooses.
 */

import { base64 } from "./notebook.js";

/** A Jupyter server takes no message of more than 10 MiB, and base64 makes four bytes of three. */
const LARGEST_BYTES = 7e6;

/**
 * What a command carries of a file; rejects with a sentence that can be shown.
 * @param {File} file
 * @param {string} instead what to do with one that is too large
 */
export async function contentOf(file, instead) {
  if (file.size > LARGEST_BYTES) throw new Error(`${file.name} is larger than ${LARGEST_BYTES / 1e6} MB; ${instead}.`);
  return { name: file.name, data: base64(new Uint8Array(await file.arrayBuffer())) };
}
