// The pulses of IEC 60601-1-8: ten for high, three for medium, one for low priority.
// Each pulse has a fundamental with four harmonics, and rises and falls softly.

const PULSES = {
  // onsets in s; the second half of a high burst repeats the first
  high: { hz: 660, lengthS: 0.12, onsets: [0, 0.22, 0.44, 0.78, 1.0, 1.62, 1.84, 2.06, 2.4, 2.62], gain: 0.5 },
  medium: { hz: 523, lengthS: 0.2, onsets: [0, 0.4, 0.8], gain: 0.4 },
  low: { hz: 440, lengthS: 0.2, onsets: [0], gain: 0.3 },
};
const RISE_S = 0.025;

export class Sound {
  constructor() {
    this.context = null;
    this.pulses = 0; // of what was played last
    this.playing = [];
  }

  /** Browsers let a page sound after a click only. */
  get on() {
    return this.context !== null && this.context.state === 'running';
  }

  async start() {
    this.context ??= new AudioContext();
    await this.context.resume();
    return this.on;
  }

  /** Play the pulses of a priority; what still sounds is cut off. */
  play(priority) {
    if (!this.on) return false;
    this.hush();
    const { hz, lengthS, onsets, gain } = PULSES[priority];
    this.wave ??= this.context.createPeriodicWave(
      new Float32Array(6),
      new Float32Array([0, 1, 0.7, 0.6, 0.5, 0.4]),
    );
    for (const onset of onsets) this.pulse(this.context.currentTime + 0.02 + onset, hz, lengthS, gain);
    this.pulses = onsets.length;
    return true;
  }

  pulse(at, hz, lengthS, gain) {
    const oscillator = this.context.createOscillator();
    const envelope = this.context.createGain();
    oscillator.setPeriodicWave(this.wave);
    oscillator.frequency.value = hz;
    envelope.gain.setValueAtTime(0, at);
    envelope.gain.linearRampToValueAtTime(gain, at + RISE_S);
    envelope.gain.setValueAtTime(gain, at + lengthS - RISE_S);
    envelope.gain.linearRampToValueAtTime(0, at + lengthS);
    oscillator.connect(envelope).connect(this.context.destination);
    oscillator.start(at);
    oscillator.stop(at + lengthS);
    this.playing.push(oscillator);
    oscillator.onended = () => {
      this.playing = this.playing.filter((other) => other !== oscillator);
    };
  }

  /** Silence at once. */
  hush() {
    for (const oscillator of this.playing) oscillator.stop();
    this.playing = [];
  }
}
