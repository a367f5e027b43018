using System.Runtime.CompilerServices;

namespace Mesh.Actors.Loop;

/// <summary>Stable hashes of message types, cached so that the digest costs a few nanoseconds per message.</summary>
internal sealed class TypeHashes
{
    private const int Size = 256;   // direct-mapped; a program has a few dozen message types in use at a time

    private readonly Type?[] _types = new Type?[Size];
    private readonly ulong[] _hashes = new ulong[Size];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Of(object message)
    {
        Type type = message.GetType();
        int slot = (int)((ulong)type.TypeHandle.Value >> 4) & (Size - 1);
        return ReferenceEquals(_types[slot], type) ? _hashes[slot] : Fill(slot, type);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong Fill(int slot, Type type)
    {
        _types[slot] = type;
        return _hashes[slot] = Digest.OfText(type.ToString());
    }
}
