using System.Runtime.InteropServices;

namespace Mesh.Babel.Routes;

/// <summary>A prefix that we have retracted and that must not follow a shorter one yet (RFC 8966 sections 2.8, 3.5.4).</summary>
/// <param name="Until">Until when it is unreachable rather than unknown, in centiseconds.</param>
/// <param name="ResendAt">When the retraction is repeated, in centiseconds; <see cref="long.MaxValue"/> for never.</param>
/// <param name="ResendsLeft">Repetitions still to be sent.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Hold(long Until, long ResendAt, int ResendsLeft);
