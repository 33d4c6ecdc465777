// Print every beat and alert of a running `ecg-monitor serve`: npm install zeromq@6
const zmq = require("zeromq");

(async () => {
  const socket = new zmq.Subscriber();
  socket.connect("tcp://127.0.0.1:5556");
  socket.subscribe("beat.", "alert.");
  for await (const [topic, header] of socket) {
    const message = JSON.parse(header);
    console.log(`${topic} ${message.sample} ${message.label ?? message.text}`);
  }
})();
