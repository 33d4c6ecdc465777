// Writes annotations in the MIT format (WFDB Applications Guide, annot(5)).

const CODES = {
  N: 1, V: 5, F: 6, S: 9, Q: 13, "~": 14, '"': 22, "+": 28, "[": 32, "]": 33,
};
const SKIP = 59, SUBTYPE = 61, CHAN = 62, AUX = 63;
const MAX_STEP = 0x3ff, MAX_SKIP = 0x7fffffff;

function word(code, low) {
  const value = (code << 10) | low;
  return [value & 0xff, value >> 8];
}

function aux(text) {
  const bytes = Array.from(text, (c) => c.charCodeAt(0));
  return [...word(AUX, bytes.length), ...bytes, ...(bytes.length % 2 ? [0] : [])];
}

// rows: [sample, symbol, subtype, chan, aux], in order of time
function encodeAnnotations(rows, rateText) {
  const out = [...word(CODES['"'], 0), ...aux(`## time resolution: ${rateText}`)];
  out.push(0, SKIP << 2, 255, 255, 255, 255, 1, 0); // a step back and forth
  let before = 0;
  let lastChan = 0;
  for (const [sample, symbol, subtype, chan, text] of rows) {
    let step = sample - before;
    while (step > MAX_STEP) {
      const skip = Math.min(step, MAX_SKIP);
      const high = Math.floor(skip / 65536);
      const low = skip % 65536;
      out.push(...word(SKIP, 0), high & 0xff, high >> 8, low & 0xff, low >> 8);
      step -= skip;
    }
    out.push(...word(CODES[symbol], step));
    if (subtype) out.push(subtype, SUBTYPE << 2);
    if (chan !== lastChan) out.push(chan, CHAN << 2);
    if (text) out.push(...aux(text));
    before = sample;
    lastChan = chan;
  }
  out.push(0, 0);
  return Uint8Array.from(out);
}

// All rows of the recording: those that are no beats, and the beats as they are labelled now.
function allRows(data, beats) {
  const order = { "]": 0, "~": 1, "+": 2, "[": 3 };
  const place = (row) => order[row[1]] ?? 4;
  const rows = data.others.slice();
  for (const beat of beats) {
    if (!beat.removed) rows.push([beat.sample, beat.label, 0, beat.lead, ""]);
  }
  // a WFDB annotation file cannot be empty
  if (!rows.length) rows.push([data.start_sample + 1, '"', 0, 0, "no beat found"]);
  return rows.sort((a, b) => a[0] - b[0] || place(a) - place(b));
}
