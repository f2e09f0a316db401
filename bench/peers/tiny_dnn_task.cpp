// The task of bench/compare.sh in tiny-dnn: see task.h. It takes the images in the files' order.
#include "task.h"
#include <tiny_dnn/tiny_dnn.h>

using namespace tiny_dnn;
using namespace tiny_dnn::activation;

int main(int argc, char **argv)
{
    task t = task_begin(argc, argv);
    const std::string folder = std::string(t.folder) + "/";
    std::vector<vec_t> train_images, test_images;
    std::vector<label_t> train_labels, test_labels;
    parse_mnist_images(folder + "train-images-idx3-ubyte", &train_images, 0, 1, 0, 0);
    parse_mnist_labels(folder + "train-labels-idx1-ubyte", &train_labels);
    parse_mnist_images(folder + "t10k-images-idx3-ubyte", &test_images, 0, 1, 0, 0);
    parse_mnist_labels(folder + "t10k-labels-idx1-ubyte", &test_labels);

    set_random_seed(t.seed);
    network<sequential> net;
    if (t.cnn1) {
        net << convolutional_layer<relu>(28, 28, 3, 1, 32, padding::same)
            << max_pooling_layer<identity>(28, 28, 32, 2)
            << convolutional_layer<relu>(14, 14, 3, 32, 64, padding::same)
            << max_pooling_layer<identity>(14, 14, 64, 2) << fully_connected_layer<relu>(3136, 128)
            << fully_connected_layer<relu>(128, 128);
    } else {
        net << fully_connected_layer<relu>(784, 128);
    }
    net << fully_connected_layer<softmax>(128, 10);
    gradient_descent optimizer;
    optimizer.alpha = float_t(t.rate);
    task_loaded(&t);
    net.train<cross_entropy_multiclass>(optimizer, train_images, train_labels, size_t(t.batch),
                                        t.epochs);
    task_trained(&t);

    long right = 0;
    for (size_t i = 0; i < test_images.size(); i++)
        right += net.predict_label(test_images[i]) == test_labels[i];
    task_report(&t, long(train_images.size()), long(test_images.size()), right);
}
