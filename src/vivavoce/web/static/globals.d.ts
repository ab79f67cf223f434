// What an audio worklet has around it, which TypeScript's own libraries leave out.

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}

declare function registerProcessor(name: string, kind: new () => AudioWorkletProcessor): void;
