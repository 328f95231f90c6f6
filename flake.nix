# For Nix: `nix run .` in a checkout. Cargo.lock has the hashes of all sources.
{
  description = "A Kubernetes cluster's PKI from one description: plan, review, apply";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      package = (nixpkgs.lib.importTOML ./Cargo.toml).package;
      kpki =
        pkgs:
        pkgs.rustPlatform.buildRustPackage {
          pname = package.name;
          version = package.version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          # They need other programs, and `sh tests/run.sh` runs them.
          doCheck = false;
          # Manual pages and completions, as in the archives of a release.
          postInstall = ''
            mv $out/bin $TMPDIR/bin
            sh packaging/tree.sh $TMPDIR/bin/kpki $out
          '';
          meta = {
            description = package.description;
            homepage = package.repository;
            license = [
              nixpkgs.lib.licenses.mit
              nixpkgs.lib.licenses.asl20
            ];
            mainProgram = "kpki";
            platforms = systems;
          };
        };
    in
    {
      packages = nixpkgs.lib.genAttrs systems (system: {
        default = kpki nixpkgs.legacyPackages.${system};
      });
    };
}
