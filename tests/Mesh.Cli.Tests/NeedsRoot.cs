namespace Mesh.Cli.Tests;

/// <summary>For tests that use what only root may. Without, such a test is skipped, unless MESH_TESTS_NO_SKIP=1.</summary>
internal static class NeedsRoot
{
    public static void Check()
    {
        string? reason = !Environment.IsPrivilegedProcess ? "needs root" : !File.Exists("/dev/net/tun") ? "needs /dev/net/tun" : null;
        if (reason is null)
            return;
        if (string.Equals(Environment.GetEnvironmentVariable("MESH_TESTS_NO_SKIP"), "1", StringComparison.Ordinal))
            Assert.Fail($"This test {reason}, and MESH_TESTS_NO_SKIP=1 does not let it be skipped.");
        Assert.Skip(reason);
    }
}
