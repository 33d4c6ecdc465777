// The live connection to the station: one WebSocket that comes back by itself.

const SILENT_MS = 3000; // the station speaks each second
const RETRY_MS = [250, 500, 1000, 2000];

export class Connection {
  /** @param {{text: (fields: object) => void, samples: (buffer: ArrayBuffer) => void, state: (up: boolean) => void, refused: () => void}} takes */
  constructor(takes) {
    this.takes = takes;
    this.tries = 0;
    this.heardAt = performance.now();
    this.up = null; // not known yet
    this.wish = { watch: null, leads: [0, 1] };
    setInterval(() => this.look(), 250);
  }

  open() {
    if (this.socket) return;
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => this.tell();
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heardAt = performance.now();
      this.tries = 0;
      this.be(true);
      if (typeof event.data === 'string') this.takes.text(JSON.parse(event.data));
      else this.takes.samples(event.data);
    };
    socket.onclose = () => {
      if (socket === this.socket) this.lost();
    };
  }

  /** Say which page is open: a bed with its leads, or the ward (null). */
  watch(name, leads) {
    this.wish = { watch: name, leads };
    this.tell();
  }

  tell() {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.wish));
  }

  look() {
    if (this.socket && performance.now() - this.heardAt > SILENT_MS) this.lost();
  }

  lost() {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onclose = null;
      socket.close();
    }
    this.be(false);
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    setTimeout(() => this.again(), wait);
  }

  /** Ask first who we are: a station may want a login now. */
  async again() {
    if (this.socket) return;
    try {
      const answer = await fetch('/api/session', { cache: 'no-store' });
      if (answer.status === 401) {
        this.takes.refused();
        return;
      }
      if (!answer.ok) throw new Error('not ready');
      this.takes.session(await answer.json());
      this.open();
    } catch {
      this.lost();
    }
  }

  be(up) {
    if (up === this.up) return;
    this.up = up;
    this.takes.state(up);
  }
}
