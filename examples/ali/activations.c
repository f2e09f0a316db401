/* ali-activations (figure 7): the activation functions and their derivatives, drawn.
 *
 *     cc -O2 -fopenmp examples/ali/activations.c -o activations -lm && ./activations --csv plots
 *
 * Prints the largest slope of each and the slopes at -5 and 5: sigmoid and tanh hardly have any
 * there ("vanishing gradient"), ReLU none at -5 ("dying"). The curves are files of --csv. Softmax
 * is drawn as the output of one class over its input, those of the nine others being 0. */
#include "../experiment.h"

static experiment e;

static const struct {
    const char *name;
    fnn_activation activation;
} functions[] = {{"sigmoid", FNN_SIGMOID},
                 {"tanh", FNN_TANH},
                 {"ReLU", FNN_RELU},
                 {"leaky ReLU .3", FNN_LEAKY_RELU},
                 {"softmax of ten", FNN_SOFTMAX}};
enum { POINTS = 201, CLASSES = 10 };
static fnn_real x[POINTS], y[POINTS], slope[POINTS]; /* x from -5 to 5 */

/* Column 0 of softmax, and its derivative by its own input, p (1 - p). */
static int softmax(void)
{
    static fnn_real rows[POINTS][CLASSES];
    for (int i = 0; i < POINTS; i++) rows[i][0] = x[i]; /* the other columns stay 0 */
    if (fnn_softmax(NULL, POINTS, CLASSES, rows[0], rows[0])) return 1;
    for (int i = 0; i < POINTS; i++) {
        y[i] = rows[i][0];
        slope[i] = y[i] * (1 - y[i]);
    }
    return 0;
}

static int elementwise(fnn_activation f)
{
    fnn_real ones[POINTS];
    for (int i = 0; i < POINTS; i++) ones[i] = 1;
    return fnn_activation_forward(NULL, f, (fnn_real).3, POINTS, x, y) ||
           fnn_activation_backward(NULL, f, (fnn_real).3, POINTS, x, y, ones, slope);
}

static void report(const char *name)
{
    int steepest = 0;
    for (int i = 1; i < POINTS; i++)
        if (slope[i] > slope[steepest]) steepest = i;
    experiment_report_value(&e, "", "largest slope", EXPERIMENT_UNKNOWN, (double)slope[steepest],
                            "%s", name);
    experiment_report_value(&e, "", "slope at -5", EXPERIMENT_UNKNOWN, (double)slope[0], "%s",
                            name);
    experiment_report_value(&e, "", "slope at 5", EXPERIMENT_UNKNOWN, (double)slope[POINTS - 1],
                            "%s", name);
}

int main(int argc, char **argv)
{
    experiment_begin(&e, argc, argv, "ali-activations", "Activation functions, derivatives", 1);
    experiment_plot *f =
        experiment_plot_begin(&e, "functions", "Activation functions", "x", "f(x)", 0);
    experiment_plot *d =
        experiment_plot_begin(&e, "derivatives", "Their derivatives", "x", "f'(x)", 0);
    for (int i = 0; i < POINTS; i++) x[i] = (fnn_real)(10. * i / (POINTS - 1) - 5);
    for (int k = 0; k < EXPERIMENT_COUNT(functions); k++) {
        const fnn_activation activation = functions[k].activation;
        if (activation == FNN_SOFTMAX ? softmax() : elementwise(activation))
            experiment_fail(&e, "%s: cannot be computed", functions[k].name);
        for (int i = 0; i < POINTS; i++) {
            experiment_point(&e, f, functions[k].name, (double)x[i], (double)y[i],
                             EXPERIMENT_UNKNOWN);
            experiment_point(&e, d, functions[k].name, (double)x[i], (double)slope[i],
                             EXPERIMENT_UNKNOWN);
        }
        report(functions[k].name);
    }
    return experiment_end(&e);
}
