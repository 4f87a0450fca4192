/* Gradient descent on a mean over rows (x1, x2, y) and (v² + w²)/20, for many starts: one after the other, and LANES at a time. */
/* SLOPE: the derivative of a row's loss with respect to its score t. */
#include <math.h>
#define LANES 96
void alone(double *states, const double *data, long count, long steps, long rows, double rate)
{
    for (long c = 0; c < count; c++) {
        double v = states[2 * c], w = states[2 * c + 1];
        for (long i = 0; i < steps; i++) {
            double a = 0, b = 0;
            for (long r = 0; r < rows; r++) {
                double x1 = data[3 * r], x2 = data[3 * r + 1], y = data[3 * r + 2], t = x1 * v + x2 * w, s = SLOPE;
                a += s * x1;
                b += s * x2;
            }
            v -= rate * (a / rows + v / 10);
            w -= rate * (b / rows + w / 10);
        }
        states[2 * c] = v;
        states[2 * c + 1] = w;
    }
}
void together(double *states, const double *data, long count, long steps, long rows, double rate)
{
    for (long begin = 0; begin < count; begin += LANES) {
        double v[LANES], w[LANES], a[LANES], b[LANES];
        int n = count - begin < LANES ? (int)(count - begin) : LANES;
        for (int l = 0; l < LANES; l++) {
            v[l] = states[2 * (begin + (l < n ? l : 0))];
            w[l] = states[2 * (begin + (l < n ? l : 0)) + 1];
        }
        for (long i = 0; i < steps; i++) {
            for (int l = 0; l < LANES; l++) a[l] = b[l] = 0;
            for (long r = 0; r < rows; r++) {
                double x1 = data[3 * r], x2 = data[3 * r + 1], y = data[3 * r + 2];
                for (int l = 0; l < LANES; l++) {
                    double t = x1 * v[l] + x2 * w[l], s = SLOPE;
                    a[l] += s * x1;
                    b[l] += s * x2;
                }
            }
            for (int l = 0; l < LANES; l++) {
                v[l] -= rate * (a[l] / rows + v[l] / 10);
                w[l] -= rate * (b[l] / rows + w[l] / 10);
            }
        }
        for (int l = 0; l < n; l++) { states[2 * (begin + l)] = v[l]; states[2 * (begin + l) + 1] = w[l]; }
    }
}
