/* Stochastic gradient descent, ½(Σ a_k tanh(w_k x + b_k) − y)² on two hidden units: b rows drawn with replacement. */
/* Run k draws its rows by Philox 4x32-10 with the counter (block, 0, k, 0), as cfdyn does. B: rows in a batch. */
#include <math.h>
#include <stdint.h>
static void philox(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    for (int i = 0; i < 10; i++) {
        uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
        uint32_t c1 = c[1], c3 = c[3];
        c[0] = (uint32_t)(b >> 32) ^ c1 ^ k0, c[1] = (uint32_t)b, c[2] = (uint32_t)(a >> 32) ^ c3 ^ k1, c[3] = (uint32_t)a;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
}
/* w: (runs, 6), w1, w2, b1, b2, a1, a2, in place; table: (rows, 2); returns how many runs have not left. */
long descend(double *w, const double *table, long rows, double lr, double escape, long steps, long runs, uint64_t seed)
{
    long done = 0;
    for (long run = 0; run < runs; run++, w += 6) {
        uint32_t words[4];
        uint64_t drawn = 0;
        long t;
        for (t = 0; t < steps; t++) {
            double g[6] = {0};
            for (int j = 0; j < B; j++, drawn++) {
                if ((drawn & 3) == 0) {
                    uint64_t block = drawn >> 2;
                    words[0] = (uint32_t)block, words[1] = (uint32_t)(block >> 32), words[2] = (uint32_t)run, words[3] = 0;
                    philox(words, (uint32_t)seed, (uint32_t)(seed >> 32));
                }
                const double *row = table + 2 * ((words[drawn & 3] * (uint64_t)rows) >> 32);
                double h1 = tanh(w[0] * row[0] + w[2]), h2 = tanh(w[1] * row[0] + w[3]);
                double e = (w[4] * h1 + w[5] * h2 - row[1]) / B, s1 = e * w[4] * (1 - h1 * h1), s2 = e * w[5] * (1 - h2 * h2);
                g[0] += s1 * row[0], g[1] += s2 * row[0], g[2] += s1, g[3] += s2, g[4] += e * h1, g[5] += e * h2;
            }
            int out = 0;
            for (int k = 0; k < 6; k++) {
                w[k] -= lr * g[k];
                out |= !(fabs(w[k]) <= escape);
            }
            if (out) break;
        }
        done += t == steps;
    }
    return done;
}
