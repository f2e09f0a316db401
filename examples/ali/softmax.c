/* ali-softmax (part 4, figures 5 and 6): ReLU in two hidden layers, softmax in the last.
 *
 *     cc -O2 -fopenmp examples/ali/softmax.c -o softmax -lm && ./softmax
 *
 * Prints the grid over what the report leaves open, then the report's figures beside: of a further
 * fit on the test images (A, contaminated: the images it is measured on are trained on) and of the
 * fit on train alone (B). The rate is the report's .2, and the validation data's best. */
#include "ali.h"

static experiment e;
static experiment_data data;

static const struct {
    int widths[2];
    double dropout;
} shapes[] = {{{128, 64}, 0},    {{128, 64}, .25}, {{128, 64}, .5}, {{256, 128}, 0},
              {{256, 128}, .25}, {{256, 128}, .5}, {{512, 256}, 0}, {{512, 256}, .25},
              {{512, 256}, .5},  {{1024, 512}, 0}};
static const double rates[] = {.15, .2, .3, .45};
enum { SHAPES = EXPERIMENT_COUNT(shapes), RATES = EXPERIMENT_COUNT(rates), REPORTED_RATE = 1 };

/* Figure 5, epoch by epoch: loss, accuracy on test, then on validation. */
static const double figure5[4 * ALI_EPOCHS] = {
    .3988, 85.47, .3779, 86.37, .3949, 85.33, .3829, 86.27, .3908, 85.44,
    .3808, 86.48, .3714, 86.62, .3924, 85.40, .3690, 87.02, .3743, 86.56,
    .3671, 86.71, .4036, 85.26, .3704, 86.95, .3893, 85.62, .3685, 86.58,
    .3704, 86.55, .3623, 87.00, .3697, 86.73, .3582, 87.18, .3816, 86.02,
};
static const struct {
    int figure;
    const char *reading, *metric;
    double reported;
} rows[] = {
    {ALI_FIRST, "A", "accuracy, fit on test, epoch 1 %", 85.47},
    {ALI_LAST, "A", "accuracy, fit on test, epoch 10 %", 87.18},
    {ALI_FIRST_LOSS, "A", "loss, fit on test, epoch 1", .3988},
    {ALI_LAST_LOSS, "A", "loss, fit on test, epoch 10", .3582},
    {ALI_LAST_VALIDATION, "A", "validation accuracy, last %", 86.02},
    {ALI_BEST_VALIDATION, "A", "validation accuracy, best %", 86.73},
    {ALI_VALIDATION, "B", "validation accuracy %", 86.02},
    {ALI_TEST, "B", "test accuracy %", EXPERIMENT_UNKNOWN},
};
static ali_network chosen[2];

static ali_network network(int run)
{
    const int i = run / RATES;
    const ali_network n = {{shapes[i].widths[0], shapes[i].widths[1]},
                           FNN_RELU,
                           FNN_SOFTMAX,
                           rates[run % RATES],
                           {shapes[i].dropout, shapes[i].dropout}};
    return n;
}

static void fit_grid(experiment_job *job)
{
    const ali_network n = network(job->run);
    ali_validate(job, &data, &n);
}

static void fit_chosen(experiment_job *job)
{
    ali_measure(job, &data, &chosen[job->run]);
}

int main(int argc, char **argv)
{
    char what[64];
    experiment_begin(&e, argc, argv, "ali-softmax", "ReLU hidden layers, softmax output", 3);
    ali_data(&e, &data);
    experiment_each(&e, SHAPES * RATES, 1, fit_grid);
    int best = REPORTED_RATE; /* among the shapes at the report's rate */
    for (int i = 0; i < SHAPES; i++) {
        const int run = i * RATES + REPORTED_RATE;
        snprintf(what, sizeof what, "%d + %d units, dropout %g", shapes[i].widths[0],
                 shapes[i].widths[1], shapes[i].dropout);
        ali_note_rates(&e, what, i * RATES, rates, RATES);
        if (experiment_mean(&e, run, ALI_VALIDATION, NULL) >
            experiment_mean(&e, best, ALI_VALIDATION, NULL))
            best = run;
    }
    chosen[0] = network(best);
    chosen[1] = network(experiment_best(&e, ALI_VALIDATION, 0, SHAPES * RATES));

    experiment_each(&e, 2, e.seeds, fit_chosen);
    for (int i = 0; i < 2 * EXPERIMENT_COUNT(rows); i++) {
        const int run = i / EXPERIMENT_COUNT(rows), k = i % EXPERIMENT_COUNT(rows);
        experiment_report(&e, run, rows[k].figure, rows[k].reading, rows[k].metric,
                          rows[k].reported, "%s, %d + %d units, dropout %g, rate %g",
                          run ? "the best on validation data" : "the best at the report's rate",
                          chosen[run].widths[0], chosen[run].widths[1], chosen[run].dropout[0],
                          chosen[run].rate);
    }
    ali_plot(&e, &e, "rate-02", 0, figure5);
    ali_plot(&e, &e, "best", 1, figure5);
    return experiment_end(&e);
}
