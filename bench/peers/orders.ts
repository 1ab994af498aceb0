import type { Load } from "./peer.ts";

/** What the process of the peers says when all that can be started have been. */
export interface PeersHello {
  readonly peers: readonly {
    readonly name: string;
    readonly version?: string;
    readonly error?: string;
    readonly arms: readonly ToldArm[];
  }[];
}

export interface ToldArm {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
}

/** Runs one arm, with the others idle. */
export interface PeersOrder {
  readonly arm: string;
  readonly seconds: number;
}

export type PeersAnswer = { readonly load: Load } | { readonly error: string };
