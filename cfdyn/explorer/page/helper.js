// Work beside the page, in a worker whose script is embedded as text.

// `receive` is called with the pieces of jobs in the order in which they were asked.
export class Helper {
  constructor(scene, bytes, receive, fail) {
    this.asked = 0;
    this.busy = false;
    const address = URL.createObjectURL(new Blob([document.querySelector("#work").textContent], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.worker.onmessage = ({ data }) => {
      this.busy = !(data.done && data.id === this.asked);
      receive(data);
    };
    this.worker.onerror = () => { this.busy = false; fail(); };
    this.worker.postMessage({ scene, bytes });
  }

  ask(job) {
    this.busy = true;
    this.asked += 1;
    this.worker.postMessage({ ...job, id: this.asked });
    return this.asked;
  }

  close() { this.worker.terminate(); }
}
