"""A forum thread on *How does gradient descent work?* (centralflows.github.io, arXiv 2410.24206), 2025.

Readers asked what the iterates do at the edge of stability: whether the bouncing is always of period 2, whether it could be
of period 3 and chaotic, whether averaging, momentum, a ReLU or stochastic gradients change the answer, and whether the central
flow is right, and what it is good for. Fifteen questions, each answered in a paragraph that rests on claims of the other
papers; the numbers in the answers are those that these claims measured.
"""

from cfdyn.claims import Claims, Question

CLAIMS = Claims(__name__, __doc__, read="a secondary source")
CLAIMS.undecided(
    "large_networks", "the thread as a whole", "The answers carry over to networks with millions of weights on real data.",
    needs="networks with more than the thousands of weights of thread2025_networks",
    domain="networks with millions of weights, on real data",
)  # fmt: skip


def _question(number, asked, short, answer, claims, figure):
    return Question(f"Q{number}", asked, " ".join(short.split()), " ".join(answer.split()), tuple(claims.split()), figure)


QUESTIONS = (
    _question(
        1,
        "Is the oscillation at the edge of stability always a 2-cycle?",
        """With one weight a stable 2-cycle is born just beyond the edge if 3L‴² > L″L⁗ at the minimum; else none is near.
        Further out no: on explicit losses, convex ones too, periods 4, 8, …, chaos and period 3 follow.""",
        """Gradient descent is a map that is applied again and again, w ← w − η∇L(w). Next to a minimum with second derivative λ
        a small displacement is multiplied by 1 − ηλ in each step; that factor is called the multiplier. At ηλ = 2, the edge
        of stability, it is −1: the iterate comes back on the other side of the valley, just as far away. Beyond, the
        displacement grows until higher derivatives stop it. If L has one weight and four continuous derivatives, and 3L‴² >
        L″L⁗ at the minimum, they do so at once: orbits that start near it settle on two points in turn, a 2-cycle whose size
        grows like the square root of the excess of η. With the opposite sign they leave the neighbourhood. The rule was right
        on {chen2022.sign_decides:signs agree} of 7 losses. With several weights the other directions bend the valley, and the
        condition along the sharpest one does not decide alone: on x²/2 + 0.4x²y + 0.3y² + 0.02x⁴ it says no, since y is held
        at 0; as y gives way by −2x²/3, two steps see x²/2 − 0.113x⁴ instead, and a 2-cycle is born. With a larger η the
        2-cycle may lose its stability in the same way and give way to a 4-cycle, that to an 8-cycle, ever faster: for the
        loss (w²/2 − y)²/2 of one weight this happens at ηy = {chen2023.period_doublings:flips.1|.6f},
        {chen2023.period_doublings:flips.2|.6f}, … with the limit {chen2023.period_doublings:accumulation|.9f}. Each interval
        is about 1/δ of the one before, with Feigenbaum's δ = {feigenbaum1978.delta_is_universal:deltas.0|.4f}, the same on
        other losses. Beyond the limit lie chaos and, between, ranges of η with other stable periods: period 3 from
        {chen2023.period_three:opens|.6f}. Some losses stay at period 2 for ever: log cosh does.""",
        """chen2022.sign_decides chen2022.amplitude chen2023.period_doublings chen2023.period_three
        feigenbaum1978.delta_is_universal cfdyn2026_even.period_two_for_ever""",
        "feigenbaum1978.double_well",
    ),
    _question(
        2,
        "Could it be period 3 – when the two largest sharpnesses are equal, say?",
        """On smooth losses not just beyond a supercritical onset, equal sharpnesses or not: to third order two steps are a
        descent. Past a subcritical onset, far out or at a corner yes.""",
        """Sharpness is the largest eigenvalue of H, the matrix of second derivatives. The thought: with two equal
        sharpnesses the displacement is a vector in a plane, which might turn by 120° in each step. But the derivative of the
        step, I − ηH, is a symmetric matrix, and these have real eigenvalues, here twice −1: both components change their
        sign and nothing turns. With the gradient multiplied by a positive definite matrix, a preconditioner, the eigenvalues
        are real too. If the loss is smooth, which cycles are born is decided by the map to third order. Apart from the change of
        sign that is the gradient step of a function, a quartic in the two directions. If that quartic keeps orbits near (a
        supercritical onset), two steps go down it, and orbits end where it is stationary, on points that come back after two
        steps. Twenty random losses with a double sharpness agreed; each time the orbit ended on a
        {cfdyn2026_onset.only_two_cycles_near_onset:kinds}. If it does not (a subcritical onset), orbits leave, and where they
        settle, on a 3-cycle perhaps, the derivatives at the minimum do not say. Nor does the argument hold where the gradient
        has a corner (question 4) or far from the edge. A 2-cycle, unlike a minimum, can have complex multipliers. And there is
        a polynomial of two weights, built to order, on which gradient descent has an attracting cycle of three points; the
        multipliers of its three steps together are exactly {cfdyn2026_planar.exact_three_cycle:multipliers}.""",
        """cfdyn2026_onset.preconditioned_descent_has_real_multipliers cfdyn2026_onset.quartic_of_a_degenerate_flip
        cfdyn2026_onset.only_two_cycles_near_onset cfdyn2026_onset.two_cycle_with_complex_multipliers
        cfdyn2026_planar.exact_three_cycle cfdyn2026_planar.orbits_settle_on_it""",
        "cfdyn2026_planar.triangle",
    ),
    _question(
        3,
        "Does “period three implies chaos” apply?",
        """In one variable yes, for convex losses too: cycles of all periods are there. But the iterates themselves may
        settle on the 3-cycle, chaos needs no period 3, and in more variables the theorem is silent.""",
        """Li and Yorke's theorem is about continuous maps of an interval. If there is a 3-cycle, there are cycles of every
        period, and an uncountable set of starts any two of which come arbitrarily close, and separate again, for ever. Logistic
        regression with two positive labels in three, a smooth convex loss, is such a case at η = 20, 2.2 times its edge: of the
        periods 1 to 12, {liyorke1975.descent_has_all_periods:periods} were found. Two things are easily overlooked. First, all
        cycles but the 3-cycle may be unstable: here {liyorke1975.typical_orbits_may_be_periodic:share|.0%} of 200 random starts
        ended on it, so what one sees is periodic, not chaotic. Second, the theorem cannot be turned round: the periods appear
        in Sharkovskii's order, {sharkovskii1964.periods_appear_in_this_order:order}, so that period 3 comes last, long after
        chaos. With a corner in the gradient there is chaos without any 3-cycle (next question). In two and more variables the
        theorem does not hold: under a rotation of the plane by 120° every point but the centre has period 3, and no other
        period occurs.""",
        """liyorke1975.period_three_brings_all_periods liyorke1975.descent_has_all_periods
        liyorke1975.typical_orbits_may_be_periodic sharkovskii1964.periods_appear_in_this_order
        cfdyn2026_convex.chaos_without_period_three""",
        "liyorke1975.descent",
    ),
    _question(
        4,
        "Does a ReLU, a gradient with a corner, change the answer?",
        """Yes: there may be no period doublings. On a one-sided quadratic chaos begins at the edge itself, without period 3 up
        to η·max L″ = 3, the least value at which a convex loss of one variable can have a 3-cycle.""",
        """The rule of the first question needs four derivatives. Take a loss that is straight on one side and a parabola on
        the other, −w + (a/2) max(w, 0)²: its gradient has a corner, and the map consists of two straight lines. Where a
        fixed point or a cycle meets a corner there is a border collision, and what comes out depends on the slopes of the
        two lines alone: on a convex loss with curvatures 1/2 and 9/2 a stable 3-cycle follows a fixed point directly (periods
        {nusse1995.three_cycle_follows_a_fixed_point:periods.0} and
        {nusse1995.three_cycle_follows_a_fixed_point:periods.1} on both sides of the collision). Here the Lyapunov exponent,
        the mean rate at which neighbouring orbits part, is positive beyond the edge while orbits stay bounded, which is
        chaos, and the 0–1 test agrees: at least {cfdyn2026_convex.chaos_without_period_three:exponent|.3f} a step at ηa =
        2.1, 2.5 and 2.9, where the number of 3-cycles found is
        {cfdyn2026_convex.chaos_without_period_three:three_cycles}.
        At ηa = 3 a 3-cycle appears, and no convex loss of one variable can have one earlier: that bound, η·max L″ ≥ 3, takes
        a few lines to derive. Rounding the corner off moves the bound up in proportion to the width of the rounding.""",
        """cfdyn2026_convex.three_cycle_needs_three cfdyn2026_convex.chaos_without_period_three
        cfdyn2026_convex.exponent_of_the_sharp_case cfdyn2026_steepness.corner nusse1995.three_cycle_follows_a_fixed_point""",
        "cfdyn2026_convex.sharp",
    ),
    _question(
        5,
        "Would averaging the last two iterates beat an exponential moving average?",
        """For a 2-cycle yes: it removes it exactly, at a lag of half a step. At a stable minimum under noise no: on a parabola
        a decay of 0.9 leaves less variance, but for the last 0.3 % before the edge.""",
        """The mean of two successive iterates lies in the middle of a 2-cycle, whatever its size; measured, it leaves
        {cfdyn2026_averages.factors:last_two} of it. An exponential moving average with decay a = 0.9 leaves
        {cfdyn2026_averages.factors:ema|.4f}, that is (1 − a)/(1 + a), and runs {cfdyn2026_averages.factors:lags.1|.0f}
        steps behind a steady drift, the mean of two half a step. So for a 2-cycle without noise two iterates are enough (of
        a 3-cycle they leave a half). Gradient noise at a stable minimum is not in step with any bouncing: of its variance
        the mean of two keeps (1 + ρ)/2, with ρ = 1 − ηλ, and a long average keeps much less. At ηλ = 1.8 the mean of two
        has {cfdyn2026_averages.last_two_or_ema:off_the_edge.low|.1f} to
        {cfdyn2026_averages.last_two_or_ema:off_the_edge.high|.1f} times the mean square of the exponential average (20
        seeds, 95 %); at ηλ = 1.998 it has {cfdyn2026_averages.last_two_or_ema:at_the_edge.low|.2f} to
        {cfdyn2026_averages.last_two_or_ema:at_the_edge.high|.2f}. That is about a stable minimum. About a 2-cycle with
        little noise the mean of two is the better one again: on log cosh at η = 2.2 with noise of deviation 0.01 mean
        squares of {cfdyn2026_averages.noisy_two_cycle:last_two.0|.1e} and {cfdyn2026_averages.noisy_two_cycle:ema.0|.1e}.
        On a small network with batches of two rows the exponential average had the lower loss.""",
        """cfdyn2026_averages.factors cfdyn2026_averages.averages_of_noise cfdyn2026_averages.last_two_or_ema
        cfdyn2026_averages.noisy_two_cycle cfdyn2026_network.averages_on_a_network""",
        "cfdyn2026_averages.averages",
    ),
    _question(
        6,
        "Two steps per mini-batch: does feedback along the valley improve?",
        """Where steps overshoot (ηλ > 1) yes, where they do not it does harm: on a parabola with noise the variance is
        multiplied by (1 + ρ)²/(1 + ρ²), ρ = 1 − ηλ.""",
        """The idea: in a bouncing direction the second step on the same mini-batch takes back what the first one did too
        much. On a parabola with noise one can calculate it: with ρ = 1 − ηλ two steps on each batch multiply the variance by
        (1 + ρ)²/(1 + ρ²), at equal numbers of gradients. For ρ < 0, beyond ηλ = 1, that is below 1, for ρ > 0 above.
        Measured over 20 seeds: between {cfdyn2026_averages.two_steps_on_a_parabola:ratios.2.low|.3f} and
        {cfdyn2026_averages.two_steps_on_a_parabola:ratios.2.high|.3f} at ηλ = 1.5, but
        {cfdyn2026_averages.two_steps_on_a_parabola:ratios.0.low|.2f} to
        {cfdyn2026_averages.two_steps_on_a_parabola:ratios.0.high|.2f} at 0.5. A network has directions of both kinds: on one
        of seven weights two steps raised the final loss at a moderate rate and lowered it at a large one. Whether runs
        converge at all changes, too. On one weight the mean logarithm of a step is what it was, but the mean square allows
        rates up to {cfdyn2026_random.mean_square_is_stricter:edge, two steps|.3f} in place of
        {cfdyn2026_random.mean_square_is_stricter:edge, one step|.3f} on three rows. With momentum there are two rows on
        which a new row for each step makes almost every run diverge, by
        {cfdyn2026_random.same_batch_again_settles:one step|.3f} a step in the logarithm, two steps with each row by
        {cfdyn2026_random.same_batch_again_settles:two steps|.3f}, while with three all converge.""",
        """cfdyn2026_averages.two_steps_on_a_parabola cfdyn2026_network.two_steps_on_a_network
        cfdyn2026_random.mean_square_is_stricter cfdyn2026_random.same_batch_again_settles""",
        "cfdyn2026_averages.two_steps",
    ),
    _question(
        7,
        "On an exact analog computer, would gradient flow or the central flow be the better optimizer?",
        """At equal time the gradient flow has the lower loss ({thread2025_flows.analog_computer:lower loss} of 8 losses),
        the central flow the lower sharpness ({thread2025_flows.analog_computer:flatter} of 8).""",
        """An analog computer would follow the differential equation dw/dt = −η∇L without steps, so that nothing bounces and
        there is no edge. The central flow is the equation of the averaged iterates: it has the additional force that the
        bouncing exerts, which keeps the sharpness from passing 2/η. It takes out of the descent whatever would raise the
        sharpness. So at equal time the gradient flow can be expected to be lower, and it was on
        {thread2025_flows.analog_computer:lower loss} of {thread2025_flows.analog_computer:runs} losses (the exception:
        {thread2025_flows.analog_computer:exception}); the central flow ended flatter on
        {thread2025_flows.analog_computer:flatter}. On these losses, then, the force is a regulariser that costs speed.
        Whether the flatter end is better on unseen data is another question, which they cannot answer.""",
        "thread2025_flows.analog_computer",
        "thread2025_flows.analog",
    ),
    _question(
        8,
        "Does any of it survive stochastic gradients?",
        """On the small losses tried the 2-cycle survives much noise, longer cycles little, and noise can make chaos. A central
        flow with the noise's covariance follows the mean of many runs. Where the sharpness can change, noise holds it below
        2/η.""",
        """With mini-batches each step has a map of its own, and a cycle can survive only approximately. The 2-cycle is
        robust: with eight rows whose curvatures differ by a factor of three, in batches of four and of two,
        {cfdyn2026_shuffled.two_cycle_survives:batches_of_4} and {cfdyn2026_shuffled.two_cycle_survives:batches_of_2} of 20
        runs oscillate with period 2; with single rows few do. Finer structure goes first: on w³/3 − w with rows that differ
        by 1 % the 2-cycle is sharp, the 4-cycle can be seen, the 8-cycle is gone, and so is the 3-cycle; at 0.1 % the
        8-cycle is still there. A period of three epochs that comes from the order of two rows, a rotation by 120°, is there
        in {cfdyn2026_shuffled.period_of_the_order:cyclic} of 20 runs in fixed order and in
        {cfdyn2026_shuffled.period_of_the_order:reshuffled} with the order drawn anew. Noise can also change what lies behind a
        cycle. The 3-cycle of the double well at η = 1.46 is found in {cfdyn2026_random.noise_makes_chaos:3-cycle at 1e-8} of 20
        logs of 512 steps with noise of variance 1e-8 on the gradient and in
        {cfdyn2026_random.noise_makes_chaos:3-cycle at 1e-5} with 1e-5; with 1e-4 the Lyapunov exponent, negative without noise
        ({cfdyn2026_random.noise_makes_chaos:without|.3f}), is {cfdyn2026_random.noise_makes_chaos:variance 1e-4|.2f}: noise
        makes chaos of it. On another loss it is the other way round, and noise of variance 16 turns an exponent of
        {cfdyn2026_random.noise_makes_order:without|.2f} into {cfdyn2026_random.noise_makes_order:variance 16|.2f}. On a small
        network at the edge of full batches, with 12 rows at random, period 2 is found in
        {cfdyn2026_blurred.two_cycle_of_large_batches:small} of 12 runs along the sharpest direction, with 3000 rows in
        {cfdyn2026_blurred.two_cycle_of_large_batches:large} of 12; with 96 rows the phase slips, in
        {cfdyn2026_blurred.blurred_or_none:slips|.1%} of the steps.
        The edge moves as well: in a valley with four rows, drawn one at a time, the sharpness of the mean loss settled at
        {andreyev2024.settles_at_2_over_eta:sharpness.low|.2f} of 2/η, while batch sharpness, E[gᵀHg]/E‖g‖² with each batch's
        own gradient g and Hessian H, was at {andreyev2024.settles_at_2_over_eta:batch_sharpness.low|.2f}. Smaller batches
        ended flatter; but that batch sharpness sits at 2/η was seen with single rows only: on five small losses it was within
        a tenth of 2/η for {cfdyn2026_astray.no_threshold_is_where_it_sits:batch sharpness|.0%} of the pairs of rate and batch,
        with large batches, and below half of it for {cfdyn2026_astray.no_threshold_is_where_it_sits:half|.0%}. The
        central flow survives, with one change: away from the edge too the iterates have a covariance Σ, that which the noise of
        the batches keeps up, and it moves the mean towards flat places, by −½η∇⟨H, Σ⟩, H the matrix of second derivatives. On
        {cfdyn2026_stochastic.stays_near_the_mean:losses} small losses, {cfdyn2026_stochastic.stays_near_the_mean:resolved}
        pairs of rate and batch, its distance to the mean of hundreds of runs was in the median
        {cfdyn2026_stochastic.stays_near_the_mean:median|.3f} of the gradient flow's, and within a tenth for
        {cfdyn2026_stochastic.stays_near_the_mean:within a tenth|.0%} of the pairs. It fails where the runs are no cloud about
        their mean: in two valleys at once, escaping, or spread over a wide convex minimum. Large networks were not tried.""",
        """cfdyn2026_shuffled.two_cycle_survives cfdyn2026_shuffled.higher_periods_go_first
        cfdyn2026_shuffled.three_cycle_does_not cfdyn2026_shuffled.period_of_the_order
        cfdyn2026_planar.stable_period_three_of_epochs cfdyn2026_random.noise_makes_chaos
        cfdyn2026_random.noise_makes_order cfdyn2026_blurred.two_cycle_of_large_batches
        cfdyn2026_blurred.blurred_or_none andreyev2024.settles_at_2_over_eta
        andreyev2024.smaller_batches_flatter cfdyn2026_stochastic.stays_near_the_mean
        cfdyn2026_stochastic.sharpness_loss_and_variance cfdyn2026_limits.gap_of_a_valley
        cfdyn2026_astray.no_threshold_is_where_it_sits cfdyn2026_astray.runs_in_mirror_images""",
        "cfdyn2026_stochastic.distances",
    ),
    _question(
        9,
        "Does momentum change the period?",
        """Not the first one: heavy ball, Nesterov and Adam lose stability through the multiplier −1, at edges of their own.
        Two averages in cascade can turn instead: period 3 at the edge. Heavy ball and Adam have
        3-cycles elsewhere.""",
        """With momentum the state is the weight with its velocity, and along a direction of curvature λ a step is a 2 × 2
        matrix. Its multipliers may be complex, a turn that shrinks; but for heavy ball with momentum β these have the
        modulus √β and never reach 1. What reaches the unit circle first is again −1: at ηλ = 2(1 + β); in Nesterov's form at
        (2 + 2β)/(1 + 2β), so {sutskever2013.edge:edges.2|.3f} for β = 0.9; for an average of gradients as in Adam, while its
        division by √v is unchanged, at 2(1 + β)/(1 − β), which is {cohen2022.frozen_preconditioner:edges.2|.0f}. So
        period 2 at onset. In training the sharpness of a small network hovered at
        {cohen2021.momentum_has_its_own_level:heavy ball|.3f} of heavy ball's edge for β = 0.5 and at
        {cohen2021.momentum_has_its_own_level:Nesterov.1|.3f} of Nesterov's for 0.9. Adam's (divided by √v) stayed on five
        losses at {cfdyn2026_held.sharpness_is_held_at_theta:β₁ = 9/10.low|.2f} to
        {cfdyn2026_held.sharpness_is_held_at_theta:β₁ = 9/10.high|.2f} of 38 for β₁ = 0.9: its 2-cycle is unstable from β₁ =
        3 − 2√2 on, and the oscillation comes in bursts. With these edges the central flow describes Adam too: at the end it
        was {cfdyn2026_held.adam_stays_near:β₁ = 9/10.high|.2f} times as far away as the flow without oscillations, or less.
        An exponential average of an exponential average is different: for β > 1/3 it loses stability by a rotation (a complex
        pair), at β = (√3 − 1)/2 by one of 120°, and on log cosh the iterates settle on a 3-cycle directly above that edge.
        Away from the edge there is more: heavy ball with Polyak's best parameters has a 3-cycle on a convex function with 1 ≤ f″
        ≤ 25, in exact rational numbers,
        with the double multiplier {lessard2016.exact_cycle:multipliers.0}; with these parameters there is one
        through the corners of a triangle, on some function of two weights with curvatures from μ to L, exactly if L/μ ≥ 9 +
        4√5, about 17.94. Adam has a stable 3-cycle even on a parabola, for unusual β₁ and β₂.""",
        """polyak1964.only_a_flip sutskever2013.edge cohen2022.frozen_preconditioner cohen2021.momentum_has_its_own_level
        cfdyn2026_held.sharpness_is_held_at_theta cfdyn2026_unheld.steady_cycle cfdyn2026_held.adam_stays_near
        lee2026.period_three_at_the_edge lessard2016.exact_cycle goujaud2023.polyak_tuning cfdyn2026_adam.three_cycle
        bock2022.usual_hyperparameters""",
        "cfdyn2026_held.beside",
    ),
    _question(
        10,
        "Is the central flow right?",
        """Near the edge it models the averaged path. Where the flow without oscillation drifts off, the central flow is
        {cohen2024.stays_where_the_gradient_flow_leaves:least_ratio|.1f} to
        {cohen2024b_networks.follows_where_the_stable_flow_leaves:scalar_rmsprop transformer|.0f} times
        closer to it; on one loss with adaptive steps it is
        {cfdyn2026_unheld.weight_without_oscillation:RMSProp|.0f} times farther away. It has no swings, late onsets or other
        periods; at large η it may end elsewhere.""",
        """The central flow is the differential equation of the iterates without their bouncing. It is at least
        {cohen2024.stays_where_the_gradient_flow_leaves:least_ratio|.2f} times nearer to the averaged iterates than the
        gradient flow on six explicit losses, {cohen2024_networks.follows_where_gradient_flow_leaves:least ratio|.1f} times on
        a fully connected net, {cohen2024_architectures.follows_where_gradient_flow_leaves:least ratio|.1f} times on a CNN and
        a transformer; with RMSProp {cohen2024b_networks.follows_where_the_stable_flow_leaves:rmsprop mlp|.1f} to
        {cohen2024b_networks.follows_where_the_stable_flow_leaves:rmsprop cnn|.1f} times nearer than the flow without
        oscillation. Its mean loss is {cohen2024_networks.averages_are_predicted:loss.2|.3f} to
        {cohen2024_networks.averages_are_predicted:loss.0|.3f} of the measured one on the fully connected net. Where the
        oscillation is large, on a matrix factorization, its mean squared gradient is
        {cohen2024.averages_are_predicted:factorization|.2f} of the measured one. It is wrong where an oscillation has first
        to grow: from a start deep in a valley it reaches the edge after {berthier2026.onset_is_set_by_round_off:flow|.0f}
        steps, and the iterates swing from step {berthier2026.onset_is_set_by_round_off:onset.0} on. On the net a second
        direction that had come to the edge late had a third of the variance that Σ gives it over the first 300 steps there,
        and four times as much over the next 300. It has no slow swings of the sharpness about the edge, which the edge flow
        follows with a correlation of {marion2026_network.its_sharpness_swings_as_that_of_descent:least|.2f}. On ½(1 − xy)²
        with η = 0.8 it ends at the sharpness {cohen2024.other_minimum_at_a_large_step:flow|.1f}, descent at
        {cohen2024.other_minimum_at_a_large_step:descent|.3f}. And it knows of no period but 2. The ratios are of settings in
        which the flow without oscillation drifts off. Where a weight hardly oscillates it may be the worse model: on (y +
        x)x²/2 − (x + y)/100 with RMSProp it ended {cfdyn2026_unheld.weight_without_oscillation:RMSProp|.1f} times as far
        away.""",
        """cohen2024.stays_where_the_gradient_flow_leaves cohen2024_networks.follows_where_gradient_flow_leaves
        cohen2024_architectures.follows_where_gradient_flow_leaves cohen2024b_networks.follows_where_the_stable_flow_leaves
        cohen2024.averages_are_predicted cohen2024_networks.averages_are_predicted
        cohen2024_directions.second_variance_of_descent_on_a_connected_net berthier2026.onset_is_set_by_round_off
        marion2026_network.its_sharpness_swings_as_that_of_descent cohen2024.other_minimum_at_a_large_step
        cfdyn2026_unheld.weight_without_oscillation""",
        "berthier2026.onset",
    ),
    _question(
        11,
        "Is projecting the gradient onto “sharpness ≤ 2/η” the central flow?",
        """For one critical eigenvalue, and while the descent pushes against the edge, exactly. It misses the exit, and for
        several critical eigenvalues it holds their sum only.""",
        """The central flow is the differential equation of the averaged iterates of Cohen et al.: the gradient flow with the
        least force that keeps the sharpness from passing 2/η. The formula of the thread takes the gradient's component along
        ∇S away, S being the sum of the Hessian's eigenvalues at or above 2/η, the critical ones. With one of them this
        equals the central flow as long as ⟨−g, ∇S⟩ > 0, g = ∇L, that is while the descent would raise the sharpness: the
        difference of the two right-hand sides is {thread2025_flows.projection_is_the_central_flow:along g} times g plus
        {thread2025_flows.projection_is_the_central_flow:along ∇S} times ∇S. When the descent would lower S by itself
        the central flow lets go of the edge, on an example at t = {thread2025_flows.misses_the_exit:central leaves|.3f}; the
        projection never does (number of exits: {thread2025_flows.misses_the_exit:thread leaves}). With two critical eigenvalues
        one projection holds their sum, while one of them rises to {thread2025_flows.holds_the_sum_of_several:largest|.3f} times
        2/η; the central flow holds each.""",
        """thread2025_flows.projection_is_the_central_flow thread2025_flows.same_path_while_one_eigenvalue_pushes
        thread2025_flows.misses_the_exit thread2025_flows.holds_the_sum_of_several""",
        "thread2025_flows.exit",
    ),
    _question(
        12,
        "Is the Sobolev form −∇(I − Δ)L close to the central flow?",
        """No, at a minimum its sign is the other one: it raises the trace of the Hessian there; the central flow goes to no
        sharper minimum.""",
        """ΔL, the Laplacian, is the sum of all second derivatives of L, the trace of the Hessian. The gradient flow of (I − Δ)L
        is that of L − tr H: it is rewarded for a large trace. At the minimum (2, ½) of ½(1 − xy)², with η = 0.8, it raises
        the trace at the rate {thread2025_flows.sobolev_form_has_the_wrong_sign:rate|.1f} a step, which is η‖∇ tr H‖²; the
        central flow never moves from a minimum to a sharper one. Away from minima the gradient of L may win: at (3, 3) both
        flows lower the trace. The opposite sign would be nearer in spirit. But the central flow acts on the largest
        eigenvalue alone, only at the edge, and with a strength that the edge itself sets, so that no fixed penalty is the
        same.""",
        "thread2025_flows.sobolev_form_has_the_wrong_sign cohen2024.descends_by_its_squared_speed",
        "",
    ),
    _question(
        13,
        "Is the edge of stability special to deep learning?",
        """No: products of a few numbers and matrix factorization show it too, and Poisson and logistic regression have the
        same bifurcations. What varies is the progressive sharpening that leads there.""",
        """The edge belongs to the step size: no minimum with a sharpness above 2/η is stable. What a deep network adds is that
        its sharpness rises by itself during training, until it meets 2/η; then it stays there, at
        {cohen2021.sharpness_hovers:mean at the edge|.3f} times 2/η on a small network, and for each rate at its own 2/η.
        Losses of two numbers do it as well: on ℓ(xy), ℓ convex, even and of bounded slope, gradient descent that starts
        beyond the edge ends within a multiple of η below 2/η, and a net of two linear layers hovers there if no minimum is
        flat enough (ηy > 1, y the target). Convex losses without any layers have the same bifurcations: Poisson regression,
        e^w − w, doubles its periods at η = 2, {may1974.doublings_in_digits:flips.0|.4f}, …, and on logistic regression three
        data points are enough for a 3-cycle beside a minimum that is stable.""",
        """cohen2021.sharpness_hovers cohen2021.edge_follows_rate ahn2022.ends_below_the_edge
        kalra2023.edge_needs_a_sharp_enough_target may1974.doublings_in_digits cfdyn2026_logistic.three_points""",
        "cohen2021.hovering",
    ),
    _question(
        14,
        "Can the central flow be computed faster than the optimizer that it models?",
        """On long slow stretches yes: in a valley of two weights by a factor of hundreds, the more the slower the drift. On the
        short runs tried no.""",
        """The optimizer needs one gradient a step. The flow needs gradients, second and third derivatives, but it takes
        steps of its own, as long as the path is smooth, since the bouncing is not in it. In a valley of two weights that
        takes a million optimizer steps the central flow took {thread2025_flows.cost_of_the_central_flow:long|.4f} of their
        work, counted in gradients, and {thread2025_flows.cost_of_the_central_flow:growth|.2f} times the work that it took
        where the valley takes ten thousand: the slower the drift, the longer are its own steps. On
        {thread2025_flows.cost_of_the_central_flow:short} of {thread2025_flows.cost_of_the_central_flow:runs} runs of 60 to
        6,000 steps it was the dearer one. And it is a model: beside the optimizer's averaged path it is at least
        {cohen2024.stays_where_the_gradient_flow_leaves:least_ratio|.2f} times nearer than the gradient flow on six losses,
        but it can end at another minimum where η is large.""",
        """thread2025_flows.cost_of_the_central_flow cohen2024.stays_where_the_gradient_flow_leaves
        cohen2024.averages_are_predicted cohen2024.other_minimum_at_a_large_step""",
        "thread2025_flows.work",
    ),
    _question(
        15,
        "How do Muon and Shampoo relate?",
        """Muon without momentum takes the direction of steepest descent in the spectral norm. Steps as long as the gradient's
        nuclear norm have the edge 2/η for the largest ⟨D, H[D]⟩ over orthogonal D; Muon's, of one length, have none.
        Shampoo preconditions: while its matrices hardly change, its onset is a flip.""",
        """Every steepest descent asks: of all directions of length 1, which one lowers the loss fastest? With the Euclidean
        length that is the gradient; with the largest singular value as the length of a matrix it is UVᵀ from the gradient's
        singular vectors, which is the direction of Muon's step. Steepest descent takes steps of the length η‖G‖⋆, ‖G‖⋆ the
        sum of the singular values; Muon leaves that factor out, so that near a minimum its steps do not shrink and it has no
        edge of its own. With the factor the edge changes with the length: instead of the largest eigenvalue of the Hessian it
        is the largest ⟨D, H[D]⟩ over directions of length 1 that is held against 2/η. On a random quadratic loss of a 2 × 2
        matrix the loss fell from all {islamov2026.edge_of_muon:descend} points at 0.999 of that edge, and rose from
        {islamov2026.edge_of_muon:ascend} of them at 1.001. With the largest entry as the length, which gives descent by
        signs, this generalized sharpness rose in training and then stayed, at {islamov2026.training_near_the_edge:held.0|.2f}
        of 2/η in a valley. Shampoo, which was not run here, multiplies the gradient by positive definite matrices; as long as
        these change slowly it is preconditioned descent, whose multipliers are real, so that its first instability is again a
        flip.""",
        """islamov2026.edge_of_muon islamov2026.edge_on_quadratics islamov2026.training_near_the_edge
        cfdyn2026_onset.preconditioned_descent_has_real_multipliers""",
        "islamov2026.training",
    ),
)
