// Stripe's SDK with the settings that it comes with; it tries again by itself.
import Stripe from "stripe";
import { CLIENT, tell } from "./telling.mjs";

const key = process.env.STRIPE_API_KEY;
const client = new Stripe(key);

await tell(Stripe.PACKAGE_VERSION, key, {
  allowed: async () => (await client.charges.retrieve("ch_demo")).amount === 5000,
  denied: () => client.refunds.create({ charge: "ch_demo", amount: 100 }),
  held: async () => (await client.customers.create({ name: CLIENT })).name === CLIENT,
});
