using System.Runtime.InteropServices;

namespace Mesh.Platform.Linux.Native;

/// <summary>The kernel refused something. The message says what was tried, on what, and why it did not work.</summary>
public sealed class LinuxException : IOException
{
    /// <summary>An error with everything said.</summary>
    /// <param name="operation">What was tried, as a phrase: "set the MTU of".</param>
    /// <param name="target">On what: a device, a prefix, a path.</param>
    /// <param name="errno">The error number.</param>
    /// <param name="detail">What the kernel adds, or null.</param>
    public LinuxException(string operation, string target, int errno, string? detail = null)
        : base($"Cannot {operation} {target}: {Describe(errno)}{(detail is null ? "" : $" ({detail})")}.")
    {
        Operation = operation;
        Target = target;
        Errno = errno;
    }

    /// <summary>What was tried.</summary>
    public string Operation { get; }

    /// <summary>On what.</summary>
    public string Target { get; }

    /// <summary>The error number.</summary>
    public int Errno { get; }

    internal static LinuxException FromLastError(string operation, string target) => new(operation, target, Marshal.GetLastPInvokeError());

    private static string Describe(int errno) => errno switch
    {
        Native.Errno.NotPermitted or Native.Errno.AccessDenied => "needs root (or the capability CAP_NET_ADMIN)",
        Native.Errno.Busy => "it is in use by another process",
        Native.Errno.NoDevice => "there is no such device",
        Native.Errno.Exists => "it exists already",
        Native.Errno.AddressInUse => "the address is in use by another process",
        _ => Marshal.GetPInvokeErrorMessage(errno),
    };
}

/// <summary>Error numbers that are looked at (asm-generic/errno-base.h and errno.h).</summary>
internal static class Errno
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int InputOutput = 5;
    public const int BadDescriptor = 9;
    public const int TryAgain = 11;
    public const int AccessDenied = 13;
    public const int Busy = 16;
    public const int Exists = 17;
    public const int NoDevice = 19;
    public const int InvalidArgument = 22;
    public const int MessageSize = 90;
    public const int NoBufferSpace = 105;
    public const int AddressInUse = 98;
}
