// Reads the signal and the beats that the page carries.

async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function readLead(base64, samples) {
  const planes = await inflate(base64);
  const steps = new Int16Array(samples);
  let value = 0;
  for (let i = 0; i < samples; i++) {
    value = (value + (planes[i] | (planes[samples + i] << 8))) & 0xffff;
    steps[i] = value;
  }
  return steps;
}

async function readSignal(stored) {
  const leads = [];
  for (const data of stored.data) leads.push(await readLead(data, stored.samples));
  return {
    rateHz: stored.rate_hz,
    samples: stored.samples,
    stepMv: stored.step_mv,
    names: stored.leads,
    holes: stored.holes,
    leads,
  };
}

// Beats in order of time: sample in the recording, seconds, label, lead, group.
function readBeats(data) {
  const beats = [];
  let sample = 0;
  for (let i = 0; i < data.beats.by.length; i++) {
    sample += data.beats.by[i];
    beats.push({
      sample,
      at: (sample - data.start_sample) / data.rate_hz,
      label: data.beats.labels[i],
      found: data.beats.labels[i],
      lead: data.beats.leads ? data.beats.leads[i] : 0,
      group: data.beats.groups[i],
      removed: false,
    });
  }
  return beats;
}

// Index of the first beat at or after a time.
function beatAfter(beats, at) {
  let low = 0;
  let high = beats.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (beats[middle].at < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
