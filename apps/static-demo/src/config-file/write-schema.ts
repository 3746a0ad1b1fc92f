/** `npm --prefix apps/static-demo run schema`: writes `config.schema.json` anew. */
import { writeFileSync } from "node:fs";
import { SCHEMA_FILE, schemaText } from "./schema-text.js";

writeFileSync(SCHEMA_FILE, schemaText());
