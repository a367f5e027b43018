using System.Runtime.InteropServices;

namespace Mesh.Platform.Linux.Native;

/// <summary>An open file descriptor. The number stays valid while any call is using it, even where another thread closes it meanwhile.</summary>
internal sealed class Descriptor : SafeHandle
{
    public Descriptor(int number)
        : base(invalidHandleValue: -1, ownsHandle: true) => SetHandle(number);

    public override bool IsInvalid => handle < 0;

    /// <summary>The number; the owner sees to it that nobody uses it after <see cref="SafeHandle.Dispose()"/>.</summary>
    public int Number => (int)handle;

    /// <summary>Wraps what a call returned, or throws what it failed with.</summary>
    public static Descriptor Checked(int number, string operation, string target) =>
        number >= 0 ? new Descriptor(number) : throw LinuxException.FromLastError(operation, target);

    protected override bool ReleaseHandle() => Libc.Close((int)handle) == 0;
}
