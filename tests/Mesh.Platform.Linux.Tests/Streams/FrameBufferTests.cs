using Mesh.Platform.Linux.Streams;
using Mesh.Protocol.Tunnel;

namespace Mesh.Platform.Linux.Tests.Streams;

public sealed class FrameBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void Frames_come_out_whole_wherever_the_stream_is_cut(int piece)
    {
        byte[][] payloads = [[], [1], new byte[300], new byte[Frame.MaxPayloadLength], [2, 3], new byte[20_000], new byte[Frame.MaxPayloadLength], []];
        var random = new Random(1);
        using var stream = new MemoryStream();
        for (int i = 0; i < payloads.Length; i++)
        {
            random.NextBytes(payloads[i]);
            var header = new byte[Frame.HeaderLength];
            Frame.WriteHeader(header, (byte)i, payloads[i].Length);
            stream.Write(header);
            stream.Write(payloads[i]);
        }

        var buffer = new FrameBuffer();
        var frames = new List<byte[]>();
        ReadOnlySpan<byte> rest = stream.ToArray();
        while (!rest.IsEmpty)
        {
            Span<byte> free = buffer.Free().Span;
            int length = Math.Min(Math.Min(piece, free.Length), rest.Length);
            rest[..length].CopyTo(free);
            rest = rest[length..];
            buffer.Filled(length);
            while (buffer.TryTake(out byte kind, out Memory<byte> payload))
            {
                Assert.Equal(frames.Count, kind);
                frames.Add(payload.ToArray());
            }
        }
        Assert.Equal(payloads, frames);
    }

    [Fact]
    public async Task A_queue_hands_out_all_there_is_and_refuses_what_is_too_much()
    {
        using var queue = new SendQueue(capacity: 20);
        Assert.Equal(SendResult.Queued, queue.TryAdd(1, "abc"u8, limit: 20));
        Assert.Equal(SendResult.Full, queue.TryAdd(2, "defgh"u8, limit: 13));
        Assert.Equal(SendResult.Queued, queue.TryAdd(2, "defgh"u8, limit: 14));
        Assert.Equal("01000361626302000564656667" + "68", Convert.ToHexString((await queue.TakeAsync()).Span));
        Assert.Equal(SendResult.Full, queue.TryAdd(3, "1234"u8, limit: 100));   // what is being sent counts until it is sent
        Assert.Equal(SendResult.Queued, queue.TryAdd(3, "123"u8, limit: 100));
        queue.Complete();
        Assert.Equal(SendResult.Closed, queue.TryAdd(4, default, limit: 100));
        Assert.Equal("030003313233", Convert.ToHexString((await queue.TakeAsync()).Span));
        Assert.True((await queue.TakeAsync()).IsEmpty);
    }
}
