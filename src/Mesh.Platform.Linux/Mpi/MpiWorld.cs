using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Mesh.Platform.Linux.Mpi;

/// <summary>The processes that <c>mpirun</c> has started together, as ranks of MPI_COMM_WORLD. One thread makes all calls.</summary>
/// <remarks>
/// <para>A meeting is one MPI_Alltoall of a block for each rank: <c>length of the message u32, little-endian | its first octets</c>. What does not fit follows from process to process.</para>
/// <para>While a rank waits it asks again and again, and leaves the processor to others meanwhile (<c>mpi_yield_when_idle</c>, unless the environment says otherwise), so that there may be more ranks than processors.</para>
/// </remarks>
public sealed unsafe class MpiWorld : IDisposable
{
    /// <summary>By which <c>mpirun</c> says how many processes it has started.</summary>
    public const string CountVariable = "OMPI_COMM_WORLD_SIZE";

    private const int BlockLength = 1024;
    private const int InBlock = BlockLength - sizeof(uint);
    private const int RestTag = 1;

    private readonly nint _world;
    private readonly nint _octet;
    private readonly byte[] _sent;
    private readonly byte[] _received;
    private readonly byte[][] _large;   // by rank, for what does not fit into a block
    private readonly ReadOnlyMemory<byte>[] _messages;

    private MpiWorld(nint library)
    {
        _world = NativeLibrary.GetExport(library, "ompi_mpi_comm_world");
        _octet = NativeLibrary.GetExport(library, "ompi_mpi_byte");
        int provided, rank, count;
        Check(MpiLibrary.InitThread(null, null, MpiLibrary.ThreadFunneled, &provided), "MPI_Init_thread");
        Check(MpiLibrary.CommSetErrorHandler(_world, NativeLibrary.GetExport(library, "ompi_mpi_errors_return")), "MPI_Comm_set_errhandler");
        Check(MpiLibrary.CommRank(_world, &rank), "MPI_Comm_rank");
        Check(MpiLibrary.CommSize(_world, &count), "MPI_Comm_size");
        (Rank, Count) = (rank, count);
        _sent = GC.AllocateArray<byte>(BlockLength * count, pinned: true);
        _received = GC.AllocateArray<byte>(BlockLength * count, pinned: true);
        _large = [.. Enumerable.Range(0, count).Select(static _ => Array.Empty<byte>())];
        _messages = new ReadOnlyMemory<byte>[count];
    }

    /// <summary>The number of this process, 0..<see cref="Count"/>-1.</summary>
    public int Rank { get; }

    /// <summary>How many there are.</summary>
    public int Count { get; }

    /// <summary>Makes this process one of them. Once in a process.</summary>
    /// <exception cref="MpiException">Open MPI is not installed, or does not start.</exception>
    public static MpiWorld Join()
    {
        nint library = Find(MpiLibrary.Name);
        _ = MpiLibrary.SetEnvironment("OMPI_MCA_mpi_yield_when_idle", "1", replaces: 0);
        return new MpiWorld(library);
    }

    /// <summary>Gives each rank a message and gets one of each. All ranks call it equally often; where one does not, the others wait.</summary>
    /// <param name="messages">By rank, each shorter than 2 GiB; that for oneself is not looked at.</param>
    /// <returns>By rank, good until the next call.</returns>
    /// <exception cref="MpiException">A call failed.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> Exchange(IReadOnlyList<ReadOnlyMemory<byte>> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        for (int rank = 0; rank < Count; rank++)
        {
            ReadOnlySpan<byte> message = rank == Rank ? default : messages[rank].Span;
            Span<byte> block = _sent.AsSpan(rank * BlockLength, BlockLength);
            BinaryPrimitives.WriteInt32LittleEndian(block, message.Length);
            message[..Math.Min(message.Length, InBlock)].CopyTo(block[sizeof(uint)..]);
        }

        fixed (byte* sent = _sent, received = _received)
            Check(MpiLibrary.AllToAll(sent, BlockLength, _octet, received, BlockLength, _octet, _world), "MPI_Alltoall");
        ExchangeRest(messages);
        for (int rank = 0; rank < Count; rank++)
        {
            int length = LengthFrom(rank);
            _messages[rank] = length <= InBlock ? _received.AsMemory((rank * BlockLength) + sizeof(uint), length) : _large[rank].AsMemory(0, length);
        }

        return _messages;
    }

    /// <summary>Ends all ranks at once, this one too.</summary>
    /// <param name="exitCode">That of <c>mpirun</c>.</param>
    public void Abort(int exitCode)
    {
        _ = MpiLibrary.Abort(_world, exitCode);
        Environment.Exit(exitCode);   // never reached with Open MPI
    }

    /// <summary>Leaves. All ranks do, and wait for each other.</summary>
    public void Dispose() => _ = MpiLibrary.Finish();

    internal static nint Find(string name) => NativeLibrary.TryLoad(name, out nint library)
        ? library
        : throw new MpiException($"Open MPI is not installed: there is no {name}; in Debian it is in the package libopenmpi3, and mpirun in openmpi-bin");

    private int LengthFrom(int rank) => BinaryPrimitives.ReadInt32LittleEndian(_received.AsSpan(rank * BlockLength));

    private void ExchangeRest(IReadOnlyList<ReadOnlyMemory<byte>> messages)
    {
        var pins = new List<MemoryHandle>();
        nint* requests = stackalloc nint[2 * Count];
        int count = 0;
        try
        {
            for (int rank = 0; rank < Count; rank++)
            {
                if (rank == Rank)
                    continue;
                int expected = LengthFrom(rank);
                if (expected > InBlock)
                {
                    if (_large[rank].Length < expected)
                        _large[rank] = new byte[Math.Max(expected, Math.Min(2L * _large[rank].Length, Array.MaxLength))];
                    _received.AsSpan((rank * BlockLength) + sizeof(uint), InBlock).CopyTo(_large[rank]);
                    MemoryHandle pin = _large[rank].AsMemory().Pin();
                    pins.Add(pin);
                    Check(MpiLibrary.StartReceive((byte*)pin.Pointer + InBlock, expected - InBlock, _octet, rank, RestTag, _world, &requests[count++]), "MPI_Irecv");
                }

                if (messages[rank].Length > InBlock)
                {
                    MemoryHandle pin = messages[rank].Pin();
                    pins.Add(pin);
                    Check(MpiLibrary.StartSend((byte*)pin.Pointer + InBlock, messages[rank].Length - InBlock, _octet, rank, RestTag, _world, &requests[count++]), "MPI_Isend");
                }
            }

            if (count > 0)
                Check(MpiLibrary.WaitAll(count, requests, statuses: 0), "MPI_Waitall");
        }
        finally
        {
            foreach (MemoryHandle pin in pins)
                pin.Dispose();
        }
    }

    private static void Check(int result, string call)
    {
        if (result == 0)
            return;
        byte* text = stackalloc byte[MpiLibrary.MaxErrorText];
        int length = 0;
        string reason = MpiLibrary.ErrorText(result, text, &length) == 0 ? Encoding.UTF8.GetString(text, length) : $"error {result}";
        throw new MpiException($"{call} failed: {reason}");
    }
}
