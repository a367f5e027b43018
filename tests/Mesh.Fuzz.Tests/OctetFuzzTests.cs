using Mesh.Fuzz.Tests.Targets;

namespace Mesh.Fuzz.Tests;

/// <summary>Decoders of octets. They run beside those of text, on another processor.</summary>
public sealed class OctetFuzzTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => AllTargets.Names(isText: false);

    [Theory, MemberData(nameof(Names))]
    public void Keeps_its_contract_whatever_it_is_given(string target) => AllTargets.Run(target, output);
}
