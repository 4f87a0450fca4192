// Work beside the page, in a worker whose script is embedded as text.

export class Helper {
  constructor(scene, bytes, fail) {
    this.asked = 0;
    this.busy = false;
    this.receivers = new Map();
    const address = URL.createObjectURL(new Blob([document.querySelector("#work").textContent], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data }) => {
      this.busy = !(data.done && data.id === this.asked);
      for (const older of this.receivers.keys()) if (older < data.id) this.receivers.delete(older);
      this.receivers.get(data.id)(data);
    };
    this.worker.onerror = () => { this.busy = false; fail(); };
    this.worker.postMessage({ scene, bytes });
  }

  // The newest job is done first: `receive` is called with its {pieces, done}, and not any more once a later job has begun.
  ask(job, receive) {
    this.busy = true;
    this.asked += 1;
    this.receivers.set(this.asked, receive);
    this.worker.postMessage({ ...job, id: this.asked });
  }

  close() { this.worker.terminate(); }
}
