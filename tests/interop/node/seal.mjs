// Seals one value with the npm package. Reads {certificate, scope, namespace, name, value} as JSON.
import { readFileSync } from "node:fs"
import sealing from "@socialgouv/aes-gcm-rsa-oaep"

const { certificate, scope, namespace, name, value } = JSON.parse(readFileSync(0, "utf8"))
process.stdout.write(await sealing.encryptValue({ pemKey: certificate, scope, namespace, name, value }))
