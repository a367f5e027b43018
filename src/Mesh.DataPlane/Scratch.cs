using Mesh.DataPlane.Sealing;

namespace Mesh.DataPlane;

/// <summary>Working memory of a forwarding thread, so that no packet allocates any. Pinned, so that an adapter can hand it to the kernel as it is.</summary>
internal static class Scratch
{
    private const int Length = SealedDatagram.MaxPlaintextLength + SealedDatagram.Overhead + 1;

    [ThreadStatic] private static byte[]? _sealed;
    [ThreadStatic] private static byte[]? _trial;
    [ThreadStatic] private static byte[]? _authentication;

    /// <summary>Where a datagram is sealed.</summary>
    public static Span<byte> ForSealing(int length) => (_sealed ??= GC.AllocateUninitializedArray<byte>(Length, pinned: true)).AsSpan(0, length);

    /// <summary>Where a datagram is opened that may be sealed with another key.</summary>
    public static Span<byte> ForTrial(int length) => (_trial ??= GC.AllocateUninitializedArray<byte>(Length, pinned: true)).AsSpan(0, length);

    /// <summary>Where text is put together that is only authenticated.</summary>
    public static Span<byte> ForAuthentication(int length) =>
        (_authentication ??= GC.AllocateUninitializedArray<byte>(Length, pinned: true)).AsSpan(0, length);
}
