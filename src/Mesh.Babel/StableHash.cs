namespace Mesh.Babel;

/// <summary>A hash that does not depend on the process, so that a replay walks the same buckets.</summary>
internal static class StableHash
{
    public static int Of(UInt128 bits, byte length)
    {
        ulong mixed = ((ulong)(bits >> 64) * 0x9E37_79B9_7F4A_7C15) ^ ((ulong)bits + length);
        mixed = (mixed ^ (mixed >> 32)) * 0xD6E8_FEB8_6659_FD93;
        return (int)(mixed ^ (mixed >> 32));
    }
}
