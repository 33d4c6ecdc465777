/* Send ECG to `ecg-monitor serve` from C: lines of millivolts on standard input.

   An example to start from, for gateways of microcontrollers; needs libzmq 4 and nothing else:

       cc -O2 sender.c -o sender -lzmq
       ./sender tcp://127.0.0.1:5555 bed-7 250 II,V1 < /dev/ttyUSB0

   One line is one sample: a number for each lead, in millivolts; `nan` where there is none. It
   waits for the server, and whenever the server is slower, so nothing is lost. A server that does
   not take the stream says why; that is told, and sending goes on. ECG_DEVICE may name the device,
   the same at every start, so that a restart is not taken for another device. To a server with
   keys it connects with ECG_SERVER_KEY, ECG_PUBLIC_KEY and ECG_SECRET_KEY (Z85 text). */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { MAX_LEADS = 32, MAX_AT_ONCE = 100, MAX_HEADER = 4096, MAX_LINE = 4096 };
enum { INFO, SAMPLES, END, KINDS };

static const char *const KIND[KINDS] = {"info", "samples", "end"};
static const char *stream;
static char publisher[17];
static unsigned long long sequence[KINDS];

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "sender: %s: %s\n", what, why);
    exit(1);
}

static int64_t wall_ns(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* An id that is new at every start. */
static void choose_publisher(void)
{
    unsigned char bytes[8];
    FILE *file = fopen("/dev/urandom", "rb");
    if (!file || fread(bytes, 1, sizeof bytes, file) != sizeof bytes)
        fail("/dev/urandom", "cannot be read");
    fclose(file);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(publisher + 2 * i, 3, "%02x", bytes[i]);
}

/* Send one message: topic, header, and for samples the values. */
static void send_message(void *socket, int kind, const char *fields, const void *payload, size_t size)
{
    char topic[96], header[MAX_HEADER];
    snprintf(topic, sizeof topic, "%s.%s", KIND[kind], stream);
    int length = snprintf(header, sizeof header,
        "{\"schema\":1,\"publisher\":\"%s\",\"sequence\":%llu,\"sent_ns\":%lld,%s}",
        publisher, sequence[kind]++, (long long)wall_ns(), fields);
    if (length >= (int)sizeof header)
        fail("header", "too long");
    if (zmq_send(socket, topic, strlen(topic), ZMQ_SNDMORE) < 0
        || zmq_send(socket, header, (size_t)length, payload ? ZMQ_SNDMORE : 0) < 0
        || (payload && zmq_send(socket, payload, size, 0) < 0))
        fail("send", zmq_strerror(zmq_errno()));
}

static void use_key(void *socket, int option, const char *variable)
{
    const char *key = getenv(variable);
    if (!key || zmq_setsockopt(socket, option, key, strlen(key) + 1))
        fail(variable, "is no key, or this libzmq has no CURVE");
}

/* Connect, and wait until the server has subscribed. */
static void *connected(void *context, const char *endpoint)
{
    int yes = 1, linger_ms = 30000;
    char first = 0;
    void *socket = zmq_socket(context, ZMQ_XPUB);
    zmq_setsockopt(socket, ZMQ_XPUB_NODROP, &yes, sizeof yes); /* wait, do not drop */
    zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &yes, sizeof yes); /* notice one that comes back */
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    if (getenv("ECG_SERVER_KEY")) {
        use_key(socket, ZMQ_CURVE_SERVERKEY, "ECG_SERVER_KEY");
        use_key(socket, ZMQ_CURVE_PUBLICKEY, "ECG_PUBLIC_KEY");
        use_key(socket, ZMQ_CURVE_SECRETKEY, "ECG_SECRET_KEY");
    }
    if (zmq_connect(socket, endpoint))
        fail(endpoint, zmq_strerror(zmq_errno()));
    while (first != 1)
        if (zmq_recv(socket, &first, 1, 0) < 0)
            fail(endpoint, zmq_strerror(zmq_errno()));
    return socket;
}

/* Tell whether a server has subscribed since the last call; say it if it refuses the stream. */
static int came_back(void *socket)
{
    char message[512], mine[96];
    int came = 0, size;
    snprintf(mine, sizeof mine, "refused.%s.%.8s ", stream, publisher); /* then the reason */
    while ((size = zmq_recv(socket, message, sizeof message - 1, ZMQ_DONTWAIT)) >= 0) {
        message[size < (int)sizeof message - 1 ? size : (int)sizeof message - 1] = 0;
        if (size == 0 || strncmp(message + 1, "refused.", 8))
            came |= size > 0 && message[0] == 1;
        else if (message[0] == 1 && !strncmp(message + 1, mine, strlen(mine)))
            fprintf(stderr, "not watched: %s\n", message + 1 + strlen(mine));
    }
    return came;
}

static void put_float_le(unsigned char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(bits >> (8 * i));
}

int main(int count, char **argument)
{
    if (count != 5)
        fail("usage", "sender ENDPOINT STREAM RATE_HZ LEAD[,LEAD...] < lines of millivolts");
    stream = argument[2];
    double rate_hz = atof(argument[3]);
    char leads[MAX_HEADER / 2] = "";
    int columns = 0;
    const char *device = getenv("ECG_DEVICE") ? getenv("ECG_DEVICE") : "";
    if (strlen(device) > 64 || strpbrk(device, "\"\\"))
        fail("ECG_DEVICE", "too long, or with signs that JSON would have to escape");
    if (strlen(stream) > 64 || strpbrk(argument[4], "\"\\") || strlen(argument[4]) > 1000)
        fail("stream or leads", "too long, or with signs that JSON would have to escape");
    if (!(rate_hz >= 100 && rate_hz <= 1000))
        fail(argument[3], "is no sampling rate from 100 to 1000 Hz");
    for (char *name = strtok(argument[4], ","); name; name = strtok(NULL, ","))
        sprintf(leads + strlen(leads), "%s\"%s\"", columns++ ? "," : "", name);
    if (!columns || columns > MAX_LEADS)
        fail("leads", "1 to 32 are possible");

    choose_publisher();
    void *context = zmq_ctx_new();
    void *socket = connected(context, argument[1]);
    static unsigned char payload[4 * MAX_LEADS * MAX_AT_ONCE];
    int at_once = (int)(rate_hz / 10 + 0.5), rows = 0, more = 1;
    long long start = 0, announced = -(long long)rate_hz - 1, number = 0;
    char line[MAX_LINE], fields[MAX_HEADER - 256];

    while (more) {
        more = fgets(line, sizeof line, stdin) != NULL;
        if (more) {
            char *at = line;
            number++;
            for (int column = 0; column < columns; column++) {
                char *end;
                at += strspn(at, " \t,");
                float value = strtof(at, &end);
                if (end == at) {
                    fprintf(stderr, "sender: line %lld: not %d number(s)\n", number, columns);
                    return 1;
                }
                put_float_le(payload + 4 * (rows * columns + column), value);
                at = end;
            }
            if (at[strspn(at, " \t\r\n")]) {
                fprintf(stderr, "sender: line %lld: more than %d number(s)\n", number, columns);
                return 1;
            }
            rows++;
        }
        if (rows == at_once || (!more && rows)) {
            if (came_back(socket) || start - announced >= rate_hz) { /* each second */
                announced = start;
                snprintf(fields, sizeof fields,
                    "\"rate_hz\":%.17g,\"unit\":\"mV\",\"device\":\"%s\",\"leads\":[%s],"
                    "\"start_sample\":%lld", rate_hz, device, leads, start);
                send_message(socket, INFO, fields, NULL, 0);
            }
            snprintf(fields, sizeof fields, "\"start_sample\":%lld,\"shape\":[%d,%d]", start, rows, columns);
            send_message(socket, SAMPLES, fields, payload, 4 * (size_t)(rows * columns));
            start += rows;
            rows = 0;
        }
    }
    snprintf(fields, sizeof fields, "\"sample\":%lld", start);
    send_message(socket, END, fields, NULL, 0);
    zmq_close(socket);
    zmq_ctx_term(context); /* waits until all has left */
    printf("sent %lld samples of %s\n", start, stream);
    return 0;
}
