/* Send ECG to `ecg-monitor serve` from Node.js: lines of millivolts on standard input.

An example to start from; needs `npm install zeromq@6`:

    node sender.js tcp://127.0.0.1:5555 bed-7 250 II,V1 < samples.txt

One line is one sample: a number for each lead, in millivolts; `nan` where there is none. It
waits for the server, and whenever the server is slower, so nothing is lost. A server that does not
take the stream says why; that is told, and sending goes on. ECG_DEVICE may name the device, the
same at every start, so that a restart is not taken for another device. To a server with keys it
connects with ECG_SERVER_KEY, ECG_PUBLIC_KEY and ECG_SECRET_KEY (Z85 text). */
"use strict";

const { randomUUID } = require("node:crypto");
const readline = require("node:readline");
const zmq = require("zeromq");

const publisher = randomUUID(); // new at every start
const device = process.env.ECG_DEVICE ?? ""; // the same at every start
const sequence = {};

async function connected(endpoint) {
  const socket = new zmq.XPublisher({ noDrop: true, verbosity: "allSubs", linger: 30000 });
  if (process.env.ECG_SERVER_KEY) {
    socket.curveServerKey = process.env.ECG_SERVER_KEY;
    socket.curvePublicKey = process.env.ECG_PUBLIC_KEY;
    socket.curveSecretKey = process.env.ECG_SECRET_KEY;
  }
  socket.connect(endpoint);
  while ((await socket.receive())[0][0] !== 1); // until the server has subscribed
  return socket;
}

async function send(socket, kind, stream, fields, ...payload) {
  const number = sequence[kind] ?? 0; // 0, 1, 2, ... of each topic
  sequence[kind] = number + 1;
  const header = JSON.stringify({ schema: 1, publisher, sequence: number, sent_ns: 0, ...fields });
  // a number of JavaScript does not hold nanoseconds: written by hand
  const exact = header.replace('"sent_ns":0', `"sent_ns":${BigInt(Date.now()) * 1000000n}`);
  await socket.send([`${kind}.${stream}`, exact, ...payload]);
}

function millivolts(text) {
  const value = text === "" ? NaN : Number(text);
  return Number.isNaN(value) && text.toLowerCase() !== "nan" ? undefined : value;
}

async function main() {
  const [endpoint, stream, rate, names] = process.argv.slice(2);
  if (names === undefined) {
    throw new Error("usage: sender.js ENDPOINT STREAM RATE_HZ LEAD[,LEAD...] < lines of millivolts");
  }
  const rate_hz = Number(rate);
  const leads = names.split(",");
  const socket = await connected(endpoint);
  const mine = `refused.${stream}.${publisher.slice(0, 8)} `;
  let cameBack = false;
  (async () => {
    for await (const [frame] of socket) {
      const text = frame.subarray(1).toString();
      if (!text.startsWith("refused.")) cameBack ||= frame[0] === 1;
      else if (frame[0] === 1 && text.startsWith(mine)) { // refused.STREAM.ID REASON, for one sender
        console.error(`not watched: ${text.slice(mine.length)}`);
      }
    }
  })().catch(() => {}); // ends when the socket is closed
  const atOnce = Math.max(1, Math.round(rate_hz / 10));
  let start = 0;
  let announced = -rate_hz;
  let rows = [];

  async function flush() {
    if (cameBack || start - announced >= rate_hz) { // each second, for servers that come later
      cameBack = false;
      announced = start;
      await send(socket, "info", stream, { rate_hz, unit: "mV", device, leads, start_sample: start });
    }
    const payload = Buffer.alloc(4 * rows.length * leads.length);
    rows.flat().forEach((value, i) => payload.writeFloatLE(value, 4 * i)); // float32
    const shape = [rows.length, leads.length];
    await send(socket, "samples", stream, { start_sample: start, shape }, payload);
    start += rows.length;
    rows = [];
  }

  let number = 0;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    number += 1;
    const row = line.trim().split(/[\s,]+/).map(millivolts);
    if (row.length !== leads.length || row.includes(undefined)) {
      throw new Error(`line ${number}: not ${leads.length} number(s)`);
    }
    rows.push(row);
    if (rows.length === atOnce) await flush();
  }
  if (rows.length) await flush();
  await send(socket, "end", stream, { sample: start });
  socket.close(); // what is queued still leaves
  console.log(`sent ${start} samples of ${stream}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
