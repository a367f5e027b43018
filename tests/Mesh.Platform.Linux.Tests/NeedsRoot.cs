using Mesh.Platform.Linux.Namespaces;
using Mesh.Platform.Linux.Native;

namespace Mesh.Platform.Linux.Tests;

/// <summary>Network namespaces for tests that need to make some. Without the rights such a test is skipped, unless MESH_TESTS_NO_SKIP=1.</summary>
internal static class NeedsRoot
{
    public static NetworkNamespace Namespace(string label)
    {
        string? reason = Libc.EffectiveUser() != 0 ? "needs root to make network namespaces" : !File.Exists("/dev/net/tun") ? "needs /dev/net/tun" : null;
        if (reason is not null)
        {
            if (string.Equals(Environment.GetEnvironmentVariable("MESH_TESTS_NO_SKIP"), "1", StringComparison.Ordinal))
                Assert.Fail($"This test {reason}, and MESH_TESTS_NO_SKIP=1 does not let it be skipped.");
            Assert.Skip(reason);
        }
        return NetworkNamespace.Create($"meshtest-{label}");
    }
}
