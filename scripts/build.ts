// Builds what is published: dist/ for the package `holdfast`, and dist/holdfast-client, a package by itself.
import { fileURLToPath } from "node:url";
import { build } from "./package/build.ts";

const { client } = build(fileURLToPath(new URL("../", import.meta.url)));
console.log(`built dist/ for npm pack, and ${client}`);
