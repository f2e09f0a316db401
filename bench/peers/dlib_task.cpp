// The task of bench/compare.sh in dlib: see task.h.
#include "task.h"
#include <dlib/data_io.h>
#include <dlib/dnn.h>

using namespace dlib;

using image = matrix<unsigned char>;
template <class Input> using head = loss_multiclass_log<fc<10, relu<fc<128, Input>>>>;
template <int filters, class Input>
using conv_pool = max_pool<2, 2, 2, 2, relu<con<filters, 3, 3, 1, 1, Input>>>;
using mlp = head<input<image>>;
using cnn1 = head<relu<fc<128, conv_pool<64, conv_pool<32, input<image>>>>>>;

template <class Net> void run(task &t)
{
    std::vector<image> train_images, test_images;
    std::vector<unsigned long> train_labels, test_labels;
    load_mnist_dataset(t.folder, train_images, train_labels, test_images, test_labels);

    srand(t.seed); // weights start from rand
    Net net;
    dnn_trainer<Net, sgd> trainer(net, sgd(0, 0));
    trainer.set_learning_rate(t.rate);
    trainer.set_learning_rate_shrink_factor(1); // the same rate to the end
    task_loaded(&t);
    dlib::rand random(t.seed);
    std::vector<image> images;
    std::vector<unsigned long> labels;
    const size_t batch = size_t(t.batch);
    for (int epoch = 0; epoch < t.epochs; epoch++) {
        randomize_samples(train_images, train_labels, random);
        for (size_t i = 0; i + batch <= train_images.size(); i += batch) {
            images.assign(&train_images[i], &train_images[i] + batch);
            labels.assign(&train_labels[i], &train_labels[i] + batch);
            trainer.train_one_step(images, labels);
        }
    }
    trainer.get_net(); // waits for the thread that trains
    task_trained(&t);

    long right = 0;
    for (size_t i = 0; i < test_images.size(); i++) right += net(test_images[i]) == test_labels[i];
    task_report(&t, long(train_images.size()), long(test_images.size()), right);
}

int main(int argc, char **argv)
{
    task t = task_begin(argc, argv);
    if (t.cnn1) run<cnn1>(t);
    else run<mlp>(t);
}
