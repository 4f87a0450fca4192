/* Many orbits of one map: one after the other, and LANES at a time in local arrays, which the compiler makes vectors of. */
/* D: variables. NP: parameters. STEP: sets y[0] … y[D-1] from z and p. SLOPE (D = 1): the derivative there. */
#include <math.h>
#define LANES 96
void alone(double *states, const double *parameters, double *kept, long count, long steps, long keep)
{
    for (long c = 0; c < count; c++) {
        double z[D], y[D];
        const double *p = parameters + c * NP;
        for (int k = 0; k < D; k++) z[k] = states[c * D + k];
        for (long i = 0; i < steps + keep; i++) {
            STEP
            for (int k = 0; k < D; k++) z[k] = y[k];
            if (i >= steps) kept[c * keep + i - steps] = z[0];
        }
        for (int k = 0; k < D; k++) states[c * D + k] = z[k];
    }
}
void together(double *states, const double *parameters, double *kept, long count, long steps, long keep)
{
    for (long begin = 0; begin < count; begin += LANES) {
        double zz[D][LANES], pp[NP][LANES];
        int n = count - begin < LANES ? (int)(count - begin) : LANES;
        for (int l = 0; l < LANES; l++) {
            long c = begin + (l < n ? l : 0);
            for (int k = 0; k < D; k++) zz[k][l] = states[c * D + k];
            for (int k = 0; k < NP; k++) pp[k][l] = parameters[c * NP + k];
        }
        for (long i = 0; i < steps + keep; i++) {
            for (int l = 0; l < LANES; l++) {
                double z[D], y[D], p[NP];
                for (int k = 0; k < D; k++) z[k] = zz[k][l];
                for (int k = 0; k < NP; k++) p[k] = pp[k][l];
                STEP
                for (int k = 0; k < D; k++) zz[k][l] = y[k];
            }
            if (i >= steps) for (int l = 0; l < n; l++) kept[(i - steps) * count + begin + l] = zz[0][l];
        }
        for (int l = 0; l < n; l++) for (int k = 0; k < D; k++) states[(begin + l) * D + k] = zz[k][l];
    }
}
/* The period of each orbit after a transient: the first step after which all entries are nearer than 1e-10; 0 if none is. */
void periods(double *states, const double *parameters, double *found, long count, long steps, long longest)
{
    alone(states, parameters, 0, count, steps, 0);
    for (long c = 0; c < count; c++) {
        double z[D], y[D];
        const double *p = parameters + c * NP;
        for (int k = 0; k < D; k++) z[k] = states[c * D + k];
        found[c] = 0;
        for (long i = 1; i <= longest && found[c] == 0; i++) {
            STEP
            int near = 1;
            for (int k = 0; k < D; k++) { z[k] = y[k]; near &= fabs(y[k] - states[c * D + k]) <= 1e-10; }
            if (near) found[c] = i;
        }
    }
}
/* Which of the attractors each orbit comes nearest to, once it moves by less than 1e-10; found holds their points on entry. */
void basins(double *states, const double *parameters, double *found, long count, long steps, long many)
{
    double points[16 * D];
    for (long a = 0; a < many * D; a++) points[a] = found[a];
    for (long c = 0; c < count; c++) {
        double z[D], y[D], least = INFINITY;
        const double *p = parameters + c * NP;
        for (int k = 0; k < D; k++) z[k] = states[c * D + k];
        for (long i = 0; i < steps; i++) {
            int still = 1;
            STEP
            for (int k = 0; k < D; k++) { still &= fabs(y[k] - z[k]) <= 1e-10; z[k] = y[k]; }
            if (still) break;
        }
        found[c] = -1;
        for (long a = 0; a < many; a++) {
            double square = 0;
            for (int k = 0; k < D; k++) square += (z[k] - points[a * D + k]) * (z[k] - points[a * D + k]);
            if (square < least && square < 1e-6) { least = square; found[c] = a; }
        }
    }
}
/* As periods, with LANES orbits at a time. */
void periods_together(double *states, const double *parameters, double *found, long count, long steps, long longest)
{
    together(states, parameters, 0, count, steps, 0);
    for (long begin = 0; begin < count; begin += LANES) {
        double zz[D][LANES], ss[D][LANES], pp[NP][LANES], ff[LANES];
        int n = count - begin < LANES ? (int)(count - begin) : LANES;
        for (int l = 0; l < LANES; l++) {
            long c = begin + (l < n ? l : 0);
            for (int k = 0; k < D; k++) zz[k][l] = ss[k][l] = states[c * D + k];
            for (int k = 0; k < NP; k++) pp[k][l] = parameters[c * NP + k];
            ff[l] = 0;
        }
        for (long i = 1; i <= longest; i++) {
            double open = 0;
            for (int l = 0; l < LANES; l++) {
                double z[D], y[D], p[NP], gap = 0;
                for (int k = 0; k < D; k++) z[k] = zz[k][l];
                for (int k = 0; k < NP; k++) p[k] = pp[k][l];
                STEP
                for (int k = 0; k < D; k++) { zz[k][l] = y[k]; double g = fabs(y[k] - ss[k][l]); gap = g > gap ? g : gap; }
                ff[l] = ff[l] == 0 && gap <= 1e-10 ? i : ff[l];
                open += ff[l] == 0 ? 1 : 0;
            }
            if (open == 0) break;
        }
        for (int l = 0; l < n; l++) found[begin + l] = ff[l];
    }
}
#ifdef SLOPE
void exponents(double *states, const double *parameters, double *found, long count, long steps)
{
    for (long c = 0; c < count; c++) {
        double z[D], y[D], sum = 0.0;
        const double *p = parameters + c * NP;
        for (int k = 0; k < D; k++) z[k] = states[c * D + k];
        for (long i = 0; i < steps; i++) {
            sum += log(fabs(SLOPE));
            STEP
            for (int k = 0; k < D; k++) z[k] = y[k];
        }
        found[c] = sum / steps;
    }
}
void exponents_together(double *states, const double *parameters, double *found, long count, long steps)
{
    for (long begin = 0; begin < count; begin += LANES) {
        double zz[LANES], pp[NP][LANES], product[LANES], sum[LANES];
        int n = count - begin < LANES ? (int)(count - begin) : LANES;
        for (int l = 0; l < LANES; l++) {
            long c = begin + (l < n ? l : 0);
            zz[l] = states[c];
            for (int k = 0; k < NP; k++) pp[k][l] = parameters[c * NP + k];
            product[l] = 1.0, sum[l] = 0.0;
        }
        for (long i = 0; i < steps; i += 16) {
            for (long j = i; j < i + 16 && j < steps; j++)
                for (int l = 0; l < LANES; l++) {
                    double z[1] = {zz[l]}, y[1], p[NP];
                    for (int k = 0; k < NP; k++) p[k] = pp[k][l];
                    product[l] *= SLOPE;
                    STEP
                    zz[l] = y[0];
                }
            for (int l = 0; l < LANES; l++) { sum[l] += log(fabs(product[l])); product[l] = 1.0; }
        }
        for (int l = 0; l < n; l++) found[begin + l] = sum[l] / steps;
    }
}
#endif
