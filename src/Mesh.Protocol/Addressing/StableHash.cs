namespace Mesh.Protocol.Addressing;

/// <summary>Hashes of addresses and prefixes that do not change from one process to the next.</summary>
internal static class StableHash
{
    // The finalizer of SplitMix64: every input bit reaches every output bit, so prefixes that differ in few bits spread well.
    public static int Of(UInt128 bits, int length)
    {
        ulong mixed = Mix((ulong)(bits >> 64) ^ Mix((ulong)bits + (ulong)length + 0x9E37_79B9_7F4A_7C15));
        return (int)(mixed ^ (mixed >> 32));
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
